#include "api_http/outcomes.hpp"

#include <algorithm>
#include <utility>

namespace pharos::naming {

using protocol::ErrorCode;

Failure failure_of(const spi::Status& error, const ErrorCodes& codes) {
    switch (error.code()) {
        case spi::Code::kInvalidArgument:
            return business_error(400, ErrorCode::kParameterValidateError, error.message());
        case spi::Code::kNotFound: return business_error(400, codes.not_found, error.message());
        case spi::Code::kConflict: return business_error(400, codes.conflict, error.message());
        case spi::Code::kUnavailable:
        case spi::Code::kClosed:
        case spi::Code::kTimeout: return business_error(503, ErrorCode::kServerError, error.message());
        default: return business_error(500, ErrorCode::kServerError, error.message());
    }
}

Failure registration_failure(const spi::Status& error) {
    switch (error.code()) {
        case spi::Code::kConflict: return runtime_error(error.message());
        case spi::Code::kInvalidArgument: return business_error(400, ErrorCode::kInstanceError, error.message());
        default: return failure_of(error);
    }
}

spi::Completion<bool> answering(Call& call, const ErrorCodes& codes) {
    return [answer = std::move(call.answer), codes](const spi::Result<bool>& outcome) mutable {
        if (outcome) {
            answer.ok();
        } else {
            answer.refuse(failure_of(outcome.error(), codes));
        }
    };
}

spi::Completion<bool> registering(Call& call) {
    return [answer = std::move(call.answer)](const spi::Result<bool>& outcome) mutable {
        if (outcome) {
            answer.ok();
        } else {
            answer.refuse(registration_failure(outcome.error()));
        }
    };
}

AllDone::AllDone(Call& call, std::size_t changes, std::string body)
    : answer_(std::move(call.answer)), body_(std::move(body)), left_(changes) {
    if (changes == 0) {
        answer_.json(body_);
    }
}

void AllDone::one(const spi::Result<bool>& outcome) {
    {
        std::lock_guard lock(mutex_);
        if (!outcome && !failure_) {
            failure_ = failure_of(outcome.error());
        }
        if (--left_ > 0) {
            return;
        }
    }
    if (failure_) {
        answer_.refuse(*failure_);
    } else {
        answer_.json(body_);
    }
}

ServicePtr find_existing(const Registry& registry, const ServiceKey& key) {
    ServicePtr service = registry.find(key);
    return service != nullptr && service->exists() ? service : nullptr;
}

std::optional<Failure> find_cluster_hosts(const Registry& registry, const ServiceKey& key, std::string_view cluster,
                                          std::vector<HostPtr>& hosts) {
    const ServicePtr service = find_existing(registry, key);
    if (service == nullptr) {
        return business_error(404, ErrorCode::kServerError, "service " + key.grouped_name() + " is not found!");
    }
    const SnapshotPtr snapshot = service->snapshot();
    std::copy_if(snapshot->hosts().begin(), snapshot->hosts().end(), std::back_inserter(hosts),
                 [&](const HostPtr& host) { return host->instance().cluster == cluster; });
    if (hosts.empty()) {
        return business_error(404, ErrorCode::kServerError, "cluster " + std::string(cluster) + " is not found!");
    }
    return std::nullopt;
}

}  // namespace pharos::naming
