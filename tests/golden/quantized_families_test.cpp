// Structures of timm and transformers through `fovea quantize` and back: parts of tensors, shared keys, norms in other
// places.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "base/pending_file.hpp"
#include "fovea/model.hpp"
#include "fovea/precision.hpp"
#include "fovea/session.hpp"
#include "model/quantize/quantize.hpp"
#include "support/normal_values.hpp"
#include "support/shared.hpp"
#include "support/temp_folder.hpp"

namespace fovea {
namespace {

class QuantizedFamily : public testing::TestWithParam<std::string> {};

LoadOptions in_f32_options() {
  LoadOptions options;
  options.precision = Precision::kF32;  // what the stored numbers mean, on any CPU
  return options;
}

TEST_P(QuantizedFamily, KeepsItsLogitsWhenItIsReadBack) {
  const std::filesystem::path folder = test::source_dir() / "tests/golden/families" / GetParam();
  LoadOptions options = in_f32_options();
  if (GetParam().ends_with("naflex")) options.image_size = Size{64, 64};  // one for all pictures
  const auto model = VisionTransformer::load(folder, options);
  const Architecture& a = model->architecture();
  const auto picture = [&](unsigned seed) { return test::normal_values(a.grid().size() * a.patch_dim(), seed); };
  Session session(model, 1);
  for (const Precision precision : {Precision::kBf16, Precision::kInt8}) {
    SCOPED_TRACE(name(precision));
    const test::TempFolder temp;
    Quantizer quantizer(folder, precision, options.image_size);
    for (unsigned seed = 1; seed <= 4; ++seed) quantizer.observe(picture(seed));
    for (unsigned seed = 1; seed <= 4; ++seed) quantizer.measure(picture(seed));
    PendingFile file(temp / "small.safetensors");
    quantizer.write(file);
    file.commit();
    const auto small = VisionTransformer::load(temp / "small.safetensors", options);
    EXPECT_EQ(small->info().quantized, precision);
    EXPECT_LT(small->info().weight_bytes, model->info().weight_bytes);
    Session again(small, 1);
    const Logits exact = session.run(picture(9)).front();
    const Logits rounded = again.run(picture(9)).front();
    const auto [low, high] = std::minmax_element(exact.begin(), exact.end());
    float away = 0;
    for (std::size_t c = 0; c < exact.size(); ++c) away = std::max(away, std::fabs(exact[c] - rounded[c]));
    EXPECT_GT(away, 0.0F) << "something was rounded";
    EXPECT_LT(away, 0.05F * (*high - *low));
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, QuantizedFamily,
                         testing::Values("timm_norm_after", "timm_eva02_norm_after", "timm_beit3", "timm_eva02_clip",
                                         "timm_aimv2", "timm_pe_core", "timm_rope_mixed", "timm_sapiens2",
                                         "timm_parallel", "timm_parallel_gap", "timm_differential",
                                         "timm_differential_parallel", "timm_srelpos", "timm_relpos", "timm_pe_spatial",
                                         "timm_rope_axial", "timm_dinov3", "dinov3_original", "hf_vit_msn",
                                         "hf_data2vec", "hf_ijepa", "hf_metaclip2", "hf_siglip2_naflex",
                                         "hf_dinov2_reg"),
                         [](const auto& chosen) { return chosen.param; });

}  // namespace
}  // namespace fovea
