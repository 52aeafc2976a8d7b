// Linked with --wrap: calls of a function come here, and go on to its version that glibc 2.34's systems have, too.
#include <pthread.h>

#include <condition_variable>
#include <mutex>

extern "C" {

double fovea_hypot(double x, double y);
float fovea_hypotf(float x, float y);
__asm__(".symver fovea_hypot,hypot@GLIBC_2.2.5");
__asm__(".symver fovea_hypotf,hypotf@GLIBC_2.2.5");

double __wrap_hypot(double x, double y) {
  return fovea_hypot(x, y);
}
float __wrap_hypotf(float x, float y) {
  return fovea_hypotf(x, y);
}

/// std::condition_variable::wait(std::unique_lock<std::mutex>&), as libstdc++ has it.
void __wrap__ZNSt18condition_variable4waitERSt11unique_lockISt5mutexE(std::condition_variable* self,
                                                                      std::unique_lock<std::mutex>& lock) noexcept {
  pthread_cond_wait(self->native_handle(), lock.mutex()->native_handle());
}

}  // extern "C"
