#pragma once

#include <string>
#include <string_view>

#include <pharos/spi/health_check.hpp>

namespace health_redis {

/// What is asked of a server.
struct Question {
    std::string user;      ///< "" = the default user
    std::string password;  ///< "" = no login
    std::string role;      ///< "master", "slave", or "" = any
};

/// The commands, as they are sent (RESP2: arrays of bulk strings).
[[nodiscard]] std::string encode(const Question& question);

/// What has been received so far, understood.
struct Reply {
    bool complete = false;
    pharos::spi::ProbeResult result;  ///< once it is complete
};
[[nodiscard]] Reply read_reply(const Question& question, std::string_view received);

}  // namespace health_redis
