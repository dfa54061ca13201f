#pragma once

#include <cstddef>
#include <string_view>

#include <pharos/spi/executor.hpp>
#include <pharos/spi/status.hpp>

namespace pharos::spi {

/// Who sends a request, as far as limits go by it. Views are valid during the call only.
struct LimitedCaller {
    std::string_view client_ip;      ///< of the socket
    std::string_view connection_id;  ///< of a gRPC connection; "" over HTTP
    std::string_view app;            ///< as the client claims it; "" when it does not
};

/// What becomes of a request.
struct Verdict {
    /// Not ok (kUnavailable): refused, with this message, in the shape that the client's generation knows.
    Status status;
    /// Of a request that is admitted: it waits this long before it is handled. Of one that is refused over HTTP: before
    /// the answer; over gRPC that always takes 1 s.
    Duration delay{0};
};

/// One point of the wire at which load is limited (`protocol/core.md §6`), such as "ConfigPublish". Lives as long as
/// its LoadControl. Any thread.
class LimitPoint {
public:
    /// Counts the request and decides, on the thread that its bytes arrived on: from memory, without blocking.
    virtual Verdict admit(const LimitedCaller& caller) noexcept = 0;

protected:
    ~LimitPoint() = default;
};

/// Decides how much of what is taken. At most one provider; without one, only the limits of the kernel hold.
class LoadControl {
public:
    static constexpr std::string_view kInterface = "pharos.LoadControl/1";

    /// The point of this name, the same each time; null when it is never limited. Any thread.
    virtual LimitPoint* point(std::string_view name) noexcept = 0;
    /// Whether one more client may stay connected. `connected` counts registered gRPC connections and held long polls,
    /// without it. Error kUnavailable: it may not; the message is for the log. Any thread, without blocking.
    virtual Status admit_connection(const LimitedCaller& caller, std::size_t connected) noexcept = 0;

protected:
    ~LoadControl() = default;
};

}  // namespace pharos::spi
