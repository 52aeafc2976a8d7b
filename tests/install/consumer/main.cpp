// consumer PICTURE OVERLAY: prints the best label and writes where the model looked.
#include <fovea/classifier.hpp>
#include <fovea/version.hpp>
#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  try {
    fovea::Classifier classifier(DEFAULT_MODEL);
    const fovea::Image picture = fovea::read_image(argv[1]);
    const fovea::Explanation explanation = classifier.explain(picture);
    fovea::write_png(argv[2], fovea::draw_overlay(picture, explanation));
    std::cout << FOVEA_VERSION << ' ' << *explanation.classification.predictions.front().label << '\n';
  } catch (const fovea::Error& error) {
    std::cerr << error.what() << '\n';
    return 1;
  }
}
