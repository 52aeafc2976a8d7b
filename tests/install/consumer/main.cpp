// consumer PICTURE OVERLAY: classifies a picture, draws why its best class rather than the second, and reads features.
#include <fovea/classifier.hpp>
#include <fovea/version.hpp>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    const fovea::Classifier classifier(DEFAULT_MODEL);
    const fovea::Classification classification = classifier.classify(argv[1]);
    std::cout << FOVEA_VERSION << ' ' << *classification.predictions.front().label << '\n';

    const fovea::Explanation why = classifier.explain(argv[1], {.targets = {"top1"}, .against = "top2"});
    fovea::write_png(argv[2], fovea::draw_overlay(why));
    const fovea::MapTarget& target = *why.maps.front().target;
    std::cout << why.maps.front().method->name << ": " << *target.label << " rather than " << *target.against->label
              << '\n';

    const fovea::Features features = classifier.embed(argv[1]);
    std::cout << features.shape.front() << " features\n";
  } catch (const fovea::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
