#include "learn/audit/spectral.hpp"

#include <Spectra/MatOp/SparseSymMatProd.h>
#include <Spectra/SymEigsSolver.h>

#include <Eigen/Core>
#include <Eigen/SparseCore>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/parallel.hpp"
#include "base/process/interrupt.hpp"
#include "learn/audit/k_means.hpp"
#include "learn/symmetric_eigen.hpp"

namespace fovea::learn {
namespace {

/// Eigenvalues and vectors of one part of the graph.
struct GraphPart {
  std::vector<std::size_t> examples;
  Eigen::VectorXd values;   // rising
  Eigen::MatrixXd vectors;  // [part, m]
};

/// The parts that no tie joins, by their first example.
std::vector<GraphPart> graph_parts(const Graph& graph) {
  std::vector<GraphPart> parts;
  std::vector<bool> seen(graph.size());
  for (std::size_t first = 0; first < graph.size(); ++first) {
    if (seen[first]) continue;
    std::vector<std::size_t> part{first};
    seen[first] = true;
    for (std::size_t next = 0; next < part.size(); ++next) {
      for (const Tie& tie : graph[part[next]]) {
        if (!seen[tie.to]) part.push_back(tie.to);
        seen[tie.to] = true;
      }
    }
    std::ranges::sort(part);
    parts.push_back({std::move(part), {}, {}});
  }
  return parts;
}

double degree(const std::vector<Tie>& ties) {
  double sum = 0;
  for (const Tie& tie : ties) sum += tie.weight;
  return sum;
}

/// D^-1/2 A D^-1/2 of one part; an example without ties is a part of its own, and like itself.
Eigen::SparseMatrix<double> likeness(const Graph& graph, const std::vector<std::size_t>& examples) {
  std::vector<Eigen::Triplet<double>> cells;
  const auto place = [&](std::size_t example) {
    return static_cast<int>(std::ranges::lower_bound(examples, example) - examples.begin());
  };
  for (const std::size_t i : examples) {
    if (graph[i].empty()) cells.emplace_back(place(i), place(i), 1.0);
    for (const Tie& tie : graph[i]) {
      cells.emplace_back(place(i), place(tie.to), tie.weight / std::sqrt(degree(graph[i]) * degree(graph[tie.to])));
    }
  }
  const auto size = static_cast<Eigen::Index>(examples.size());
  Eigen::SparseMatrix<double> matrix(size, size);
  matrix.setFromTriplets(cells.begin(), cells.end());
  return matrix;
}

/// The Laplacian's smallest eigenvalues are 1 less the largest of the likeness.
void solve_densely(GraphPart& part, const Eigen::SparseMatrix<double>& like, Eigen::Index count) {
  const auto [values, vectors] =
      symmetric_eigen(Eigen::MatrixXd::Identity(like.rows(), like.cols()) - Eigen::MatrixXd(like));
  part.values = values.head(count);
  part.vectors = vectors.leftCols(count);
}

void solve(GraphPart& part, const Graph& graph, std::size_t wanted) {
  constexpr Eigen::Index kDense = 400;  // examples
  constexpr Eigen::Index kRestarts = 300;
  constexpr double kTolerance = 1e-10;
  const Eigen::SparseMatrix<double> like = likeness(graph, part.examples);
  const Eigen::Index count = std::min(static_cast<Eigen::Index>(wanted), like.rows());
  if (like.rows() <= kDense || 4 * count >= like.rows()) return solve_densely(part, like, count);
  Spectra::SparseSymMatProd<double> product(like);
  Spectra::SymEigsSolver<Spectra::SparseSymMatProd<double>> solver(product, count, 3 * count + 20);
  solver.init();
  solver.compute(Spectra::SortRule::LargestAlge, kRestarts, kTolerance);
  if (solver.info() != Spectra::CompInfo::Successful) return solve_densely(part, like, count);
  part.values = 1 - solver.eigenvalues().array();  // theirs fall
  part.vectors = solver.eigenvectors();
}

/// A vector's sign says nothing, so it is always the same one.
double sign_of(const Eigen::VectorXd& vector) {
  Eigen::Index at = 0;
  vector.cwiseAbs().maxCoeff(&at);
  return vector[at] < 0 ? -1.0 : 1.0;
}

}  // namespace

Graph nearest_neighbour_graph(const Matrix& points, std::size_t k) {
  using Row = Eigen::Map<const Eigen::VectorXd>;
  k = std::min(k, points.rows > 0 ? points.rows - 1 : 0);
  const auto row = [&](std::size_t i) { return Row(points.row(i).data(), static_cast<Eigen::Index>(points.cols)); };
  std::vector<std::vector<std::size_t>> nearest(points.rows);
  for_each_piece(points.rows, [&](std::size_t i) {
    std::vector<std::pair<double, std::size_t>> others;
    others.reserve(points.rows);
    for (std::size_t j = 0; j < points.rows; ++j) {
      if (j != i) others.emplace_back((row(i) - row(j)).squaredNorm(), j);
    }
    std::ranges::partial_sort(others, others.begin() + static_cast<std::ptrdiff_t>(k));
    for (std::size_t n = 0; n < k; ++n) nearest[i].push_back(others[n].second);
  });
  Graph graph(points.rows);
  for (std::size_t i = 0; i < nearest.size(); ++i) {
    for (const std::size_t j : nearest[i]) {
      graph[i].push_back({j, 0.5});
      graph[j].push_back({i, 0.5});
    }
  }
  for (std::vector<Tie>& ties : graph) {
    std::ranges::sort(ties, {}, &Tie::to);
    std::vector<Tie> sums;
    for (const Tie& tie : ties) {
      if (sums.empty() || sums.back().to != tie.to) {
        sums.push_back(tie);
      } else {
        sums.back().weight += tie.weight;
      }
    }
    ties = std::move(sums);
  }
  return graph;
}

Spectrum laplacian_spectrum(const Graph& graph, std::size_t count) {
  count = std::min(count, graph.size());
  std::vector<GraphPart> parts = graph_parts(graph);
  std::vector<std::pair<std::size_t, Eigen::Index>> order;  // part, its eigenvalue
  for (std::size_t p = 0; p < parts.size(); ++p) {
    stop_if_interrupted();
    solve(parts[p], graph, count);
    for (Eigen::Index v = 0; v < parts[p].values.size(); ++v) order.emplace_back(p, v);
  }
  // The first of each part is 0, whatever rounding makes of it.
  for (GraphPart& part : parts) part.values[0] = 0;
  std::ranges::stable_sort(order, {}, [&](const auto& at) { return parts[at.first].values[at.second]; });
  Spectrum spectrum{{}, Matrix{graph.size(), count}};
  for (std::size_t m = 0; m < count; ++m) {
    const GraphPart& part = parts[order[m].first];
    const Eigen::VectorXd vector = part.vectors.col(order[m].second);
    spectrum.eigenvalues.push_back(part.values[order[m].second]);
    for (std::size_t i = 0; i < part.examples.size(); ++i) {
      spectrum.vectors.row(part.examples[i])[m] = sign_of(vector) * vector[static_cast<Eigen::Index>(i)];
    }
  }
  return spectrum;
}

std::size_t eigengap(std::span<const double> eigenvalues) {
  std::size_t clusters = 1;
  for (std::size_t k = 1; k < eigenvalues.size(); ++k) {
    if (eigenvalues[k] - eigenvalues[k - 1] > eigenvalues[clusters] - eigenvalues[clusters - 1]) clusters = k;
  }
  return clusters;
}

Matrix spectral_embedding(const Spectrum& spectrum, std::size_t columns) {
  Matrix embedding{spectrum.vectors.rows, std::min(columns, spectrum.vectors.cols)};
  for (std::size_t i = 0; i < embedding.rows; ++i) {
    const auto row = embedding.row(i);
    std::ranges::copy(spectrum.vectors.row(i).first(row.size()), row.begin());
    const double length = std::sqrt(std::inner_product(row.begin(), row.end(), row.begin(), 0.0));
    for (double& value : row) value /= length > 0 ? length : 1.0;
  }
  return embedding;
}

SpectralClusters spectral_clusters(const Matrix& points, std::size_t most_clusters, std::uint64_t seed) {
  const Spectrum spectrum = laplacian_spectrum(nearest_neighbour_graph(points), most_clusters + 1);
  SpectralClusters clusters{spectrum.eigenvalues, eigengap(spectrum.eigenvalues), {}};
  clusters.of = k_means(spectral_embedding(spectrum, clusters.count), clusters.count, seed);
  return clusters;
}

}  // namespace fovea::learn
