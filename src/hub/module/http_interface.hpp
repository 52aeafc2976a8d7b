// The binary interface between the library and the module that links libcurl: plain C, no exceptions across it.
#pragma once

#include <cstddef>

extern "C" {

/// One GET. Redirects are not followed: where the next request may go is decided by the library.
struct FoveaHttpRequest {
  const char* url;
  const char* const* headers;  // "Name: value"; a null pointer ends them
  const char* certificates;    // a file of authorities to trust; null: the system's
  int direct;                  // 1: through no proxy, whatever the environment names
  long timeout;                // seconds without a connection, or without a byte

  /// A line of the answer's head, without its end. Each status line begins a new head.
  /// @return  0: stop. So do the others.
  int (*head)(void* context, const char* line, size_t size);
  int (*body)(void* context, const unsigned char* bytes, size_t size);
  int (*go_on)(void* context);  // called at least once a second
  void* context;

  char* message;  // why it failed, in words
  size_t message_capacity;
};

enum FoveaHttpStatus {
  kFoveaHttpDone = 0,
  kFoveaHttpFailed = 1,   // on the way: another try may be luckier
  kFoveaHttpRefused = 2,  // another try would end in the same way
  kFoveaHttpStopped = 3,  // by a function that returned 0
  kFoveaHttpAlone = 4,    // no connection: there may be no network
};

using FoveaHttpFunction = int(const struct FoveaHttpRequest* request);

}  // extern "C"

#define FOVEA_MODULE_HTTP fovea_http
#define FOVEA_MODULE_HTTP_NAME "fovea_http"
