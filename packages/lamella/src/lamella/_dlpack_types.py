"""The types of devices in DLPack, https://dmlc.github.io/dlpack/latest/c_api.html."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["DLDeviceType"]


class DLDeviceType(IntEnum):
    """The numbers that ``__dlpack_device__`` begins with."""

    kDLCPU = 1
    kDLCUDA = 2
    kDLCUDAHost = 3
    kDLOpenCL = 4
    kDLVulkan = 7
    kDLMetal = 8
    kDLVPI = 9
    kDLROCM = 10
    kDLROCMHost = 11
    kDLExtDev = 12
    kDLCUDAManaged = 13
    kDLOneAPI = 14
