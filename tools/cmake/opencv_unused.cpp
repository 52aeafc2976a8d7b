// OpenCV's archives refer to BLAS, LAPACK and GLX in functions that fovea never calls. Linking these names in place of the
// libraries saves 30 of them. Whoever calls one ends the process.
#include <cstdlib>

#define FOVEA_UNUSED(name) \
  extern "C" void name() { \
    std::abort();          \
  }
FOVEA_UNUSED(glXGetProcAddressARB)
FOVEA_UNUSED(glXGetCurrentDisplay)
FOVEA_UNUSED(glXGetCurrentContext)
FOVEA_UNUSED(cblas_sgemm)
FOVEA_UNUSED(cblas_dgemm)
FOVEA_UNUSED(cblas_cgemm)
FOVEA_UNUSED(cblas_zgemm)
FOVEA_UNUSED(sgesv_)
FOVEA_UNUSED(dgesv_)
FOVEA_UNUSED(sposv_)
FOVEA_UNUSED(dposv_)
FOVEA_UNUSED(spotrf_)
FOVEA_UNUSED(dpotrf_)
FOVEA_UNUSED(sgetrf_)
FOVEA_UNUSED(dgetrf_)
FOVEA_UNUSED(sgeqrf_)
FOVEA_UNUSED(dgeqrf_)
FOVEA_UNUSED(sgels_)
FOVEA_UNUSED(dgels_)
FOVEA_UNUSED(sgesdd_)
FOVEA_UNUSED(dgesdd_)
