#include "pictures.hpp"

#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

namespace fovea::python {

namespace nb = nanobind;

namespace {

[[noreturn]] void refuse(std::size_t place, const std::string& what) {
  throw nb::type_error(("picture " + std::to_string(place) + ": is " + what +
                        ", expected a path, the bytes of an image file, or an array uint8[height, width, 3]")
                           .c_str());
}

std::string shape_of(const AnyArray& array) {
  std::string text;
  for (std::size_t i = 0; i < array.ndim(); ++i) text += (i > 0 ? ", " : "") + std::to_string(array.shape(i));
  return "[" + text + "]";
}

std::string type_of(const AnyArray& array) {
  const nb::dlpack::dtype type = array.dtype();
  static constexpr const char* kKinds[] = {"int", "uint", "float", "opaque", "bfloat", "complex", "bool"};
  const std::string kind = type.code < std::size(kKinds) ? kKinds[type.code] : "dtype";
  return kind + std::to_string(type.bits);
}

Image image_of(const AnyArray& array) {
  Image image({static_cast<int>(array.shape(0)), static_cast<int>(array.shape(1))});
  const auto* const begin = static_cast<const std::uint8_t*>(array.data());
  for (std::size_t y = 0; y < array.shape(0); ++y) {
    std::uint8_t* to = image.row(static_cast<int>(y));
    for (std::size_t x = 0; x < array.shape(1); ++x) {
      for (std::size_t c = 0; c < 3; ++c) {
        *to++ = begin[static_cast<std::int64_t>(y) * array.stride(0) + static_cast<std::int64_t>(x) * array.stride(1) +
                      static_cast<std::int64_t>(c) * array.stride(2)];
      }
    }
  }
  return image;
}

/// An array that owns a vector: nothing is copied.
template <typename Value>
nb::object owning_array(std::vector<Value> values, const std::vector<std::size_t>& shape) {
  auto* const owned = new std::vector<Value>(std::move(values));
  const nb::capsule owner(owned, [](void* pointer) noexcept { delete static_cast<std::vector<Value>*>(pointer); });
  return nb::cast(nb::ndarray<nb::memview, Value>(owned->data(), shape.size(), shape.data(), owner));
}

}  // namespace

Pictures::Pictures(const nb::sequence& objects) {
  std::size_t place = 0;
  for (const nb::handle object : objects) add(object, place++);
}

void Pictures::add(const nb::handle& object, std::size_t place) {
  objects_.push_back(nb::borrow(object));
  if (nb::isinstance<nb::tuple>(object)) {
    const auto path = nb::cast<nb::bytes>(object[0]);
    pictures_.emplace_back(std::filesystem::path(std::string(path.c_str(), path.size())));
    return;
  }
  if (nb::isinstance<nb::bytes>(object)) {
    const nb::bytes bytes = nb::borrow<nb::bytes>(object);
    pictures_.emplace_back(std::as_bytes(std::span(bytes.c_str(), bytes.size())));
    return;
  }
  AnyArray array;
  if (!nb::try_cast(object, array, false)) refuse(place, nb::cast<std::string>(nb::str(object.type())));
  const bool is_uint8 = array.dtype() == nb::dtype<std::uint8_t>();
  if (is_uint8 && array.ndim() == 1 && (array.shape(0) < 2 || array.stride(0) == 1)) {
    arrays_.push_back(array);  // keeps the buffer
    pictures_.emplace_back(std::as_bytes(std::span(static_cast<const std::uint8_t*>(array.data()), array.shape(0))));
    return;
  }
  constexpr std::size_t kMostSide = 1U << 30U;
  if (!is_uint8 || array.ndim() != 3 || array.shape(2) != 3 || array.shape(0) > kMostSide ||
      array.shape(1) > kMostSide || array.size() == 0) {
    refuse(place, "an array " + type_of(array) + shape_of(array));
  }
  pictures_.emplace_back(images_.emplace_back(image_of(array)));
}

nb::object array_of(Image image) {
  const auto pixels = image.pixels();
  const std::vector<std::size_t> shape{static_cast<std::size_t>(image.size().height),
                                       static_cast<std::size_t>(image.size().width), 3};
  return owning_array(std::vector<std::uint8_t>(pixels.begin(), pixels.end()), shape);
}

nb::object array_of(std::vector<float> values, const std::vector<std::size_t>& shape) {
  return owning_array(std::move(values), shape);
}

}  // namespace fovea::python
