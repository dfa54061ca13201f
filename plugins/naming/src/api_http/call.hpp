#pragma once

#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>

#include "api_http/answer.hpp"
#include "api_http/reader.hpp"

namespace pharos::naming {

/// One request in a handler, on the thread of its connection. It and all views of it end with the handler's call; the
/// answer may be moved out and used later.
struct Call {
    const spi::HttpRequest& request;
    const spi::Clock& clock;
    Reader read;
    Answer answer;

    [[nodiscard]] Generation generation() const noexcept { return read.generation(); }

    /// True: something is wrong with the parameters, and that has been answered.
    [[nodiscard]] bool refused() {
        if (!read.refused()) {
            return false;
        }
        if (read.failure().stage == Failure::Stage::kFilter) {
            answer.servlet_error(read.failure().status, read.failure().message, request.path, clock.wall_ms());
        } else {
            answer.refuse(read.failure());
        }
        return true;
    }
};

}  // namespace pharos::naming
