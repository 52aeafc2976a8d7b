// fovea._core: the C++ API as the package's Python files need it. Lists of pictures go in; for each picture there comes
// out a value or the fields of its error.
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "fovea/classifier.hpp"
#include "fovea/interrupt.hpp"
#include "fovea/machine.hpp"
#include "fovea/version.hpp"
#include "guarded_call.hpp"
#include "pictures.hpp"

namespace fovea::python {
namespace {

namespace nb = nanobind;

/// The value of this name.
template <typename Values>
auto named(const Values& values, const std::string& wanted, const char* what) {
  std::string all;
  for (const auto value : values) {
    if (name(value) == wanted) return value;
    all += (all.empty() ? "" : ", ") + std::string(name(value));
  }
  throw Error(ErrorCode::kUsage, std::string(what) + " is '" + wanted + "', expected one of " + all);
}

nb::tuple size_of(const Size& size) {
  return nb::make_tuple(size.height, size.width);
}

nb::dict error_of(const Error& error) {
  nb::dict fields;
  fields["code"] = std::string(name(error.code()));
  fields["message"] = std::string(error.what());
  fields["hint"] = error.hint();
  return fields;
}

nb::list predictions_of(const Classification& classification) {
  nb::list all;
  for (const Prediction& prediction : classification.predictions) {
    all.append(nb::make_tuple(prediction.class_index, prediction.label, prediction.synset,
                              prediction.value ? nb::none() : nb::cast(prediction.probability), prediction.value));
  }
  return all;
}

nb::tuple value_of(Classification classification) {
  const std::size_t classes = classification.logits.size();
  const std::size_t probabilities = classification.probabilities.size();
  nb::list predictions = predictions_of(classification);
  return nb::make_tuple(std::move(predictions), array_of(std::move(classification.logits), {classes}),
                        array_of(std::move(classification.probabilities), {probabilities}),
                        size_of(classification.size));
}

nb::object value_of(Features features) {
  return array_of(std::move(features.values), features.shape);
}

nb::object value_of(Explanation explanation) {
  return nb::cast(std::make_shared<Explanation>(std::move(explanation)));
}

/// A list of pairs: (value, None) or (None, the fields of the error).
template <typename Value>
nb::list rows_of(std::vector<Result<Value>> results) {
  nb::list rows;
  for (Result<Value>& result : results) {
    if (result.ok()) {
      rows.append(nb::make_tuple(value_of(std::move(result).value()), nb::none()));
    } else {
      rows.append(nb::make_tuple(nb::none(), error_of(result.error())));
    }
  }
  return rows;
}

ExplainRequest request_of(const std::vector<std::string>& methods, const std::vector<std::string>& targets,
                          const std::optional<std::string>& against, bool faithfulness, const nb::dict& options) {
  ExplainRequest request{methods, targets, against, {}, faithfulness};
  for (const auto& [key, value] : options) {
    const auto option = nb::cast<std::string>(key);
    ExplainOptions& to = request.options;
    if (option == "residual") {
      to.residual = nb::cast<float>(value);
    } else if (option == "discard") {
      to.discard = nb::cast<float>(value);
    } else if (option == "start_block") {
      to.start_block = nb::cast<std::size_t>(value);
    } else if (option == "gamma") {
      to.gamma = nb::cast<float>(value);
    } else if (option == "libra_gradients") {
      to.gradients = nb::cast<bool>(value) ? Gradients::kLibra : Gradients::kTrue;
    } else if (option == "block") {
      to.block = nb::cast<std::size_t>(value);
    } else if (option == "head") {
      to.head = nb::cast<std::size_t>(value);
    } else if (option == "seed") {
      to.seed = nb::cast<std::uint64_t>(value);
    } else {
      throw Error(ErrorCode::kUsage, "the option '" + option +
                                         "' is unknown, expected one of residual, discard, "
                                         "start_block, gamma, libra_gradients, block, head, seed");
    }
  }
  return request;
}

OverlayStyle style_of(const std::string& style, const std::string& colormap, double alpha, bool caption,
                      bool side_by_side) {
  OverlayStyle drawn;
  drawn.style = style == "heat" ? MapStyle::kHeat : style == "contour" ? MapStyle::kContour : MapStyle::kMask;
  if (style != "heat" && style != "contour" && style != "mask") {
    throw Error(ErrorCode::kUsage, "style is '" + style + "', expected one of heat, contour, mask");
  }
  drawn.colormap = colormap;
  drawn.alpha = alpha;
  drawn.caption = caption;
  drawn.side_by_side = side_by_side;
  return drawn;
}

/// What `call` returns.
template <typename Call>
auto guarded(Call&& call) {
  require_no_fork();
  const StopsOnInterrupt stops;
  const nb::gil_scoped_release released;
  return call();
}

/// A loaded model. Its calls release the GIL.
class Model {
 public:
  Model(const nb::bytes& path, const std::string& precision, std::size_t threads, std::size_t top_k,
        const std::string& exif, const std::string& decode)
      : classifier_(guarded([&, file = std::string(path.c_str(), path.size())] {
          ClassifierOptions options;
          if (precision != "auto") options.precision = named(kPrecisions, precision, "precision");
          options.threads = threads;
          options.top_k = top_k;
          options.decode.exif = exif == "apply" ? ExifMode::kApply : ExifMode::kIgnore;
          options.decode.mode = decode == "exact" ? DecodeMode::kExact : DecodeMode::kFast;
          return Classifier(file, options);
        })) {}

  nb::list classify(const nb::sequence& objects) const {
    const Pictures pictures(objects);
    return rows_of(guarded([&] { return classifier_.classify(pictures.all()); }));
  }
  nb::list embed(const nb::sequence& objects, const std::string& pool) const {
    const Pictures pictures(objects);
    const FeaturePool chosen = named(kFeaturePools, pool, "pool");
    return rows_of(guarded([&] { return classifier_.embed(pictures.all(), chosen); }));
  }
  nb::list explain(const nb::sequence& objects, const std::vector<std::string>& methods,
                   const std::vector<std::string>& targets, const std::optional<std::string>& against,
                   bool faithfulness, const nb::dict& options) const {
    const Pictures pictures(objects);
    const ExplainRequest request = request_of(methods, targets, against, faithfulness, options);
    return rows_of(guarded([&] { return classifier_.explain(pictures.all(), request); }));
  }

  [[nodiscard]] nb::dict info() const {
    const ModelInfo& model = classifier_.info();
    nb::dict fields;
    fields["name"] = model.name;
    fields["precision"] = std::string(name(model.precision));
    return fields;
  }

 private:
  Classifier classifier_;
};

nb::list maps_of(const Explanation& explanation) {
  nb::list maps;
  for (const ExplanationMap& map : explanation.maps) {
    nb::dict fields;
    fields["method"] = std::string(map.method->name);
    fields["variant"] = map.variant;
    fields["is_signed"] = map.method->is_signed;
    fields["target"] = map.target ? nb::cast(nb::make_tuple(map.target->class_index, map.target->label)) : nb::none();
    fields["values"] = array_of(map.heatmap.values, {map.heatmap.grid.rows, map.heatmap.grid.cols});
    fields["sum"] = map.sum
                        ? nb::cast(nb::make_tuple(map.sum->patches, map.sum->prefix, map.sum->biases, map.sum->score))
                        : nb::none();
    maps.append(fields);
  }
  return maps;
}

nb::tuple geometry_of(const Explanation& explanation) {
  const CropGeometry& geometry = explanation.geometry;
  return nb::make_tuple(size_of(geometry.original), size_of(geometry.resized), size_of(geometry.crop), geometry.top,
                        geometry.left);
}

nb::bytes bytes_of(const std::vector<std::byte>& bytes) {
  return nb::bytes(bytes.data(), bytes.size());
}

/// fovea.Error with these fields as Python's error.
void raise(const Error& error) {
  const nb::object type = nb::module_::import_("fovea._errors").attr("Error");
  const nb::dict fields = error_of(error);
  const nb::object raised = type(fields["code"], fields["message"], fields["hint"]);
  PyErr_SetObject(type.ptr(), raised.ptr());
}

void translate(const std::exception_ptr& thrown, void* /*payload*/) {
  try {
    std::rethrow_exception(thrown);
  } catch (const Error& error) {
    raise(error);
  } catch (const Interrupted&) {
    if (PyErr_CheckSignals() == 0) PyErr_SetNone(PyExc_KeyboardInterrupt);
  }
}

}  // namespace
}  // namespace fovea::python

NB_MODULE(_core, m) {
  namespace nb = nanobind;
  using namespace fovea::python;
  using namespace nb::literals;

  m.doc() = "The C++ API as the package's Python files need it.";
  m.attr("__version__") = FOVEA_VERSION;
  nb::register_exception_translator(translate);

  nb::class_<Model>(m, "Model")
      .def(nb::init<const nb::bytes&, const std::string&, std::size_t, std::size_t, const std::string&,
                    const std::string&>(),
           "path"_a, "precision"_a, "threads"_a, "top_k"_a, "exif"_a, "decode"_a)
      .def("classify", &Model::classify, "pictures"_a)
      .def("embed", &Model::embed, "pictures"_a, "pool"_a)
      .def("explain", &Model::explain, "pictures"_a, "methods"_a, "targets"_a, "against"_a.none(), "faithfulness"_a,
           "options"_a)
      .def("info", &Model::info);

  nb::class_<fovea::Explanation>(m, "Explanation")
      .def("classification", [](const fovea::Explanation& self) { return value_of(self.classification); })
      .def("maps", maps_of)
      .def("geometry", geometry_of)
      .def("picture", [](const fovea::Explanation& self) { return array_of(self.picture); })
      .def(
          "overlay",
          [](const fovea::Explanation& self, std::size_t map, const std::string& style, const std::string& colormap,
             double alpha, bool caption, bool side_by_side) {
            return array_of(fovea::draw_overlay(self, map, style_of(style, colormap, alpha, caption, side_by_side)));
          },
          "map"_a, "style"_a, "colormap"_a, "alpha"_a, "caption"_a, "side_by_side"_a)
      .def("overlay_png", [](const fovea::Explanation& self,
                             std::size_t map) { return bytes_of(fovea::png_bytes(fovea::draw_overlay(self, map))); })
      .def("panel", [](const fovea::Explanation& self) { return array_of(fovea::draw_panel(self)); })
      .def("panel_png",
           [](const fovea::Explanation& self) { return bytes_of(fovea::png_bytes(fovea::draw_panel(self))); });
}
