"""The creation op that a gradient may reach, and does not pass."""

from __future__ import annotations

from lamella_autograd.formulas import non_differentiable

non_differentiable("made_after")
