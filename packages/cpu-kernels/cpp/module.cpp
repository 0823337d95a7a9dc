// The extension module: functions that return whether they did the work, or leave it to NumPy.
#include <nanobind/nanobind.h>

namespace lamella {
void bind_optimizers(nanobind::module_ &module);
void bind_losses(nanobind::module_ &module);
void bind_random(nanobind::module_ &module);
void bind_rows(nanobind::module_ &module);
void bind_depthwise(nanobind::module_ &module);
void bind_places(nanobind::module_ &module);
void bind_ufuncs(nanobind::module_ &module);
}  // namespace lamella

NB_MODULE(_native, module) {
    lamella::bind_optimizers(module);
    lamella::bind_losses(module);
    lamella::bind_random(module);
    lamella::bind_rows(module);
    lamella::bind_depthwise(module);
    lamella::bind_places(module);
    lamella::bind_ufuncs(module);
}
