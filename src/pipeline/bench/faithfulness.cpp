#include "explain/faithfulness.hpp"

#include "base/numerics.hpp"
#include "fovea/architecture.hpp"
#include "image/preprocess/patches.hpp"
#include "pipeline/bench/measure.hpp"
#include "pipeline/maps/explanations.hpp"
#include "pipeline/maps/reruns.hpp"

namespace fovea {

FaithfulnessCost measure_faithfulness(const BenchPlan& plan, std::span<const float> patches) {
  const Architecture& a = plan.model->architecture();
  const std::span<const float> image = patches.first(a.grid().size() * a.patch_dim());
  MapPlan map;
  map.methods = {plan.methods.front()};
  map.options = plan.options;
  map.faithfulness = true;
  check_plan(map, plan.model->info());
  Session session(plan.model, map.session_batch(1));
  map.faithfulness = false;  // only the map
  const ExplainedImage explained = explain_images(*plan.model, session, image, map, {}, best_class).front();
  const std::vector<std::size_t> order = patch_order(explained.maps.front().heatmap.values);
  const Target target = best_class(0, explained.result).front();
  std::vector<float> blurred(image.size());
  blur_patches(image, a.grid(), a.patch_size, blurred);

  FaithfulnessCost cost;
  const RunAgain again = run_again(session, plan.model->info(), map, target);
  const RunAgain counted = [&](std::span<const float> images) {
    cost.forwards += images.size() / image.size();
    return again(images);
  };
  Painting painting(image, blurred, a.grid().size(), session.max_batch(), counted);
  cost.forwards = 0;
  (void)painting.areas_both_ways(order);  // what is compiled at first use, and how many passes it takes
  const std::size_t forwards = cost.forwards;
  const std::vector<std::vector<double>> times =
      time_in_turn(plan.seconds, {[&] { (void)painting.areas_both_ways(order); },
                                  [&] {
                                    for (std::size_t i = 0; i < forwards; ++i) (void)session.run(image);
                                  }});
  std::vector<double> ratios;
  for (std::size_t run = 0; run < times[0].size(); ++run) ratios.push_back(times[0][run] / times[1][run]);
  cost.forwards = forwards;
  cost.ms = quantile(times[0], 0.5);
  cost.forwards_ms = quantile(times[1], 0.5);
  cost.ratio = quantile(ratios, 0.5);
  return cost;
}

}  // namespace fovea
