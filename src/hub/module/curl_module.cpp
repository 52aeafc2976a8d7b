// HTTP and TLS through libcurl.
#include <curl/curl.h>

#include <array>
#include <cstdio>
#include <memory>
#include <string_view>

#include "hub/module/http_interface.hpp"

namespace {

constexpr long kBufferSize = 512L * 1024;  // bytes

/// Connections are kept from one request to the next of the same thread.
CURL* connection() {
  static thread_local const std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> handle(curl_easy_init(),
                                                                                       curl_easy_cleanup);
  return handle.get();
}

size_t on_head(char* bytes, size_t size, size_t count, void* context) {
  const auto& request = *static_cast<const FoveaHttpRequest*>(context);
  std::string_view line(bytes, size * count);
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  return request.head(request.context, line.data(), line.size()) != 0 ? size * count : 0;
}

size_t on_body(char* bytes, size_t size, size_t count, void* context) {
  const auto& request = *static_cast<const FoveaHttpRequest*>(context);
  const auto* const body = reinterpret_cast<const unsigned char*>(bytes);
  return request.body(request.context, body, size * count) != 0 ? size * count : CURL_WRITEFUNC_ERROR;
}

int on_progress(void* context, curl_off_t /*total*/, curl_off_t /*now*/, curl_off_t /*up*/, curl_off_t /*up_now*/) {
  const auto& request = *static_cast<const FoveaHttpRequest*>(context);
  return request.go_on(request.context) != 0 ? 0 : 1;
}

FoveaHttpStatus status_of(CURLcode code) {
  switch (code) {
    case CURLE_OK: return kFoveaHttpDone;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_CONNECT: return kFoveaHttpAlone;
    case CURLE_WRITE_ERROR:
    case CURLE_ABORTED_BY_CALLBACK: return kFoveaHttpStopped;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_OUT_OF_MEMORY:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_WEIRD_SERVER_REPLY: return kFoveaHttpRefused;
    default: return kFoveaHttpFailed;
  }
}

CURLcode perform(CURL* curl, const FoveaHttpRequest& request, const curl_slist* headers, char* reason) {
  curl_easy_reset(curl);  // but for its connections
  const auto set = [&](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
  set(CURLOPT_URL, request.url);
  set(CURLOPT_HTTPHEADER, headers);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // a proxy's head is not the server's
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_BUFFERSIZE, kBufferSize);
  set(CURLOPT_CONNECTTIMEOUT, request.timeout);
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, request.timeout);
  set(CURLOPT_HEADERFUNCTION, on_head);
  set(CURLOPT_HEADERDATA, &request);
  set(CURLOPT_WRITEFUNCTION, on_body);
  set(CURLOPT_WRITEDATA, &request);
  set(CURLOPT_ERRORBUFFER, reason);
  set(CURLOPT_NOPROGRESS, 0L);
  set(CURLOPT_XFERINFOFUNCTION, on_progress);
  set(CURLOPT_XFERINFODATA, &request);
  if (request.direct != 0) set(CURLOPT_NOPROXY, "*");
  if (request.certificates != nullptr) set(CURLOPT_CAINFO, request.certificates);
  return curl_easy_perform(curl);
}

}  // namespace

/// The module's one symbol.
extern "C" __attribute__((visibility("default"))) int FOVEA_MODULE_HTTP(const FoveaHttpRequest* request) {
  const auto say = [&](const char* text) { std::snprintf(request->message, request->message_capacity, "%s", text); };
  CURL* const curl = connection();
  curl_slist* headers = nullptr;
  bool complete = curl != nullptr;
  for (const char* const* line = request->headers; *line != nullptr && complete; ++line) {
    curl_slist* const longer = curl_slist_append(headers, *line);
    complete = longer != nullptr;
    if (complete) headers = longer;
  }
  CURLcode code = CURLE_OUT_OF_MEMORY;
  if (complete) {
    std::array<char, CURL_ERROR_SIZE> reason{};
    code = perform(curl, *request, headers, reason.data());
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    say(reason[0] != '\0' ? reason.data() : curl_easy_strerror(code));
  } else {
    say("libcurl finds no memory");
  }
  curl_slist_free_all(headers);
  return status_of(code);
}
