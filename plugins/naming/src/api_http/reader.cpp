#include "api_http/reader.hpp"

#include <limits>
#include <string>

namespace pharos::naming {

Reader::Reader(const protocol::Params& params, Generation generation, Missing missing)
    : params_(params), generation_(generation), missing_(missing) {
    if (params.overflowed()) {
        refuse(illegal(protocol::Params::refuse_overflow()));
    }
}

std::string_view Reader::required(std::string_view name, std::string_view type) {
    const std::string_view value = params_.get(name);
    if (!value.empty()) {
        return value;
    }
    const std::string quoted = "'" + std::string(name) + "'";
    const bool declared = missing_ == Missing::kDeclared;
    if (generation_ == Generation::kV1) {
        refuse(illegal(declared ? "Parameter " + quoted + " is missing" : "Param " + quoted + " is required."));
    } else {
        refuse(business_error(400, protocol::ErrorCode::kParameterMissing,
                              declared
                                  ? "Required request parameter " + quoted + " for method parameter type " +
                                        std::string(type) + " is not present"
                                  : "Required parameter " + quoted + " type " + std::string(type) + " is not present"));
    }
    return value;
}

std::optional<bool> Reader::find_truth(std::string_view name) {
    const std::string_view value = params_.get(name);
    if (value.empty()) {
        return std::nullopt;
    }
    if (generation_ == Generation::kV1) {
        return protocol::word_is_true(value);
    }
    const std::optional<bool> truth = protocol::truth_of(value);
    if (!truth) {
        not_convertible(name, value);
    }
    return truth;
}

bool Reader::truth(std::string_view name, bool fallback) { return find_truth(name).value_or(fallback); }

bool Reader::plain_truth(std::string_view name, bool fallback) {
    if (generation_ != Generation::kV1) {
        return truth(name, fallback);
    }
    const std::string_view value = params_.get(name);
    return value.empty() ? fallback : protocol::equals_ignoring_case(value, "true");
}

std::int64_t Reader::whole_of(std::string_view name, std::string_view text) {
    const std::optional<std::int64_t> number = protocol::whole_number(text);
    using Int = std::numeric_limits<std::int32_t>;
    if (!number || *number < Int::min() || *number > Int::max()) {
        not_convertible(name, text);
        return 0;
    }
    return *number;
}

std::int64_t Reader::whole(std::string_view name, std::int64_t fallback) {
    const std::string_view value = params_.get(name);
    return value.empty() ? fallback : whole_of(name, value);
}

std::int64_t Reader::required_whole(std::string_view name, std::string_view type) {
    const std::string_view value = required(name, type);
    return value.empty() ? 0 : whole_of(name, value);
}

double Reader::decimal(std::string_view name, double fallback) {
    const std::string_view value = params_.get(name);
    if (value.empty()) {
        return fallback;
    }
    const std::optional<double> number = protocol::decimal_number(value);
    if (!number) {
        not_convertible(name, value);
    }
    return number.value_or(fallback);
}

protocol::PageRequest Reader::page(protocol::PageRequest defaults) {
    const protocol::PageRequest page{whole("pageNo", defaults.number), whole("pageSize", defaults.size)};
    positive("pageNo", page.number);
    positive("pageSize", page.size);
    return page;
}

void Reader::positive(std::string_view name, std::int64_t number) {
    if (number < 1) {
        refuse(illegal("Required parameter '" + std::string(name) + "' should be positive integer, current is " +
                       std::to_string(number)));
    }
}

void Reader::not_convertible(std::string_view name, std::string_view text) {
    std::string message = "For input string: \"" + std::string(text) + "\"";
    if (generation_ != Generation::kV1) {
        message += " of parameter '" + std::string(name) + "'";
    }
    refuse({Failure::Stage::kConversion, generation_ == Generation::kV1 ? 400 : 500, protocol::ErrorCode::kServerError,
            std::move(message)});
}

void Reader::check(protocol::CheckFailure failure) {
    if (failure) {
        refuse({Failure::Stage::kCheck, 400, protocol::ErrorCode::kServerError, std::move(*failure)});
    }
}

void Reader::refuse(Failure failure) {
    if (!failure_ || failure.stage < failure_->stage) {
        failure_ = std::move(failure);
    }
}

}  // namespace pharos::naming
