// Clusters of pictures that are tied by a chain of neighbours, as SpRAy finds strategies in maps (Lapuschkin et al.
// 2019): a graph of nearest neighbours, the small eigenvalues of its Laplacian, and k-means on their vectors
// (von Luxburg 2007, "A tutorial on spectral clustering"). Equal to CoRelAy's SpectralClustering, but for k-means'
// seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "learn/matrix.hpp"

namespace fovea::learn {

/// One end of a tie between two examples.
struct Tie {
  std::size_t to = 0;
  double weight = 0;  // 1 where each is among the other's nearest, 1/2 where only one is
};
/// [n] of each example its ties, by rising example. What i has with j, j has with i.
using Graph = std::vector<std::vector<Tie>>;

/// The nearest examples of each by Euclidean distance, itself not counted, made symmetric by the mean of both
/// directions. Among equal distances the earlier example is nearer.
/// @param points  [n, D]
/// @param k       neighbours of each; all others where there are fewer
[[nodiscard]] Graph nearest_neighbour_graph(const Matrix& points, std::size_t k = 10);

/// The smallest eigenvalues of the symmetric normalised Laplacian, I − D^-1/2 A D^-1/2, and their vectors.
struct Spectrum {
  std::vector<double> eigenvalues;  // [m] rising, 0 to 2; as many zeros as the graph has parts
  Matrix vectors;                   // [n, m] columns of length 1; the largest element of each is positive
};
/// Each part of the graph is solved by itself: small ones densely, large ones by Lanczos's method.
/// @param count  m; n where there are fewer examples
[[nodiscard]] Spectrum laplacian_spectrum(const Graph& graph, std::size_t count);

/// Before which eigenvalue the widest gap lies: the number of clusters that the graph suggests, 1 to m − 1.
/// @param eigenvalues  [m] rising
[[nodiscard]] std::size_t eigengap(std::span<const double> eigenvalues);

/// The first columns, each row brought to length 1 (Ng, Jordan, Weiss 2002).
[[nodiscard]] Matrix spectral_embedding(const Spectrum& spectrum, std::size_t columns);

struct SpectralClusters {
  std::vector<double> eigenvalues;
  std::size_t count = 1;
  std::vector<std::size_t> of;  // [n] the cluster of each example, the largest first
};
/// All of it, with as many clusters as the eigengap says.
/// @param most_clusters  at least 1
[[nodiscard]] SpectralClusters spectral_clusters(const Matrix& points, std::size_t most_clusters, std::uint64_t seed);

}  // namespace fovea::learn
