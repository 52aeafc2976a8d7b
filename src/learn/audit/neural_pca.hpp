// What a class's score is made of: neural PCA (Neuhaus, Augustin, Boreiko, Hein 2023, "Spurious Features Everywhere",
// arXiv:2212.04871), and a head without one of its parts.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "learn/logistic.hpp"

namespace fovea::learn {

/// The principal directions of one class, of ψ(x) = w ∘ φ(x): the features of its pictures times the class's row of the
/// head. The sum of ψ(x) and the bias is the score, and over all D directions Σ contribution(x) is the score less its
/// mean.
struct ClassDirections {
  std::size_t of_class = 0;
  std::vector<double> mean;       // [D] of ψ over the class's pictures
  Matrix directions;              // [m, D] length 1, by falling variance; the sum of each is at least 0
  std::vector<double> variances;  // [m] of ψ along the direction, divided by n − 1
};
/// @param features  [n, D] of the class's pictures, as the head takes them; n at least 2
/// @param most      directions; fewer where n − 1 or D is less
[[nodiscard]] ClassDirections neural_pca(const LinearHead& head, std::size_t of_class, const Matrix& features,
                                         std::size_t most);

/// How much a direction adds to the class's score, compared with its mean: Σ v · ⟨ψ(x) − mean, v⟩.
/// @param features  [D] of one picture of any class
[[nodiscard]] double contribution(const LinearHead& head, const ClassDirections& directions, std::size_t k,
                                  std::span<const double> features);

/// The head whose score of this class is less by the contribution of direction k, and as it was for every other class.
/// The paper's SpuFix takes away only what is positive, which no linear head can.
[[nodiscard]] LinearHead without_direction(LinearHead head, const ClassDirections& directions, std::size_t k);

}  // namespace fovea::learn
