#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <pharos/protocol/checks.hpp>
#include <pharos/protocol/paging.hpp>
#include <pharos/protocol/params.hpp>

#include "api_http/failure.hpp"

namespace pharos::naming {

/// Reads a call's parameters by the rules of its generation (`protocol/naming.md §0, §0.2`) and keeps what is wrong
/// with them: a handler reads all it needs and then asks once. Views live as long as the parameters do.
class Reader {
public:
    /// How an absent parameter is told: some calls of the reference declare their parameters, others read them
    /// themselves or as a form, and the texts differ.
    enum class Missing : std::uint8_t { kRead, kDeclared };

    /// More parameters than are taken are one of the things that are wrong.
    Reader(const protocol::Params& params, Generation generation, Missing missing = Missing::kRead);

    [[nodiscard]] Generation generation() const noexcept { return generation_; }

    /// Trimmed text; the fallback when it is blank or absent.
    [[nodiscard]] std::string_view text(std::string_view name, std::string_view fallback = {}) const {
        return params_.get_or(name, fallback);
    }
    /// Text that must be there; `type` is its Java type, for the message.
    std::string_view required(std::string_view name, std::string_view type = "String");
    /// v1: only words such as "true" and "yes" are true, all else is false. v2 and v3: anything else is an error.
    bool truth(std::string_view name, bool fallback);
    [[nodiscard]] std::optional<bool> find_truth(std::string_view name);
    /// As truth(), but v1 takes only "true" itself.
    bool plain_truth(std::string_view name, bool fallback);
    /// A 32-bit number.
    std::int64_t whole(std::string_view name, std::int64_t fallback);
    std::int64_t required_whole(std::string_view name, std::string_view type);
    double decimal(std::string_view name, double fallback);

    /// pageNo and pageSize of a page of v3, from 1.
    protocol::PageRequest page(protocol::PageRequest defaults);

    /// Notes the result of a parameter check.
    void check(protocol::CheckFailure failure);
    /// Notes what else is wrong. Of several, that of the earliest stage counts, and of one stage the first.
    void refuse(Failure failure);

    [[nodiscard]] bool refused() const noexcept { return failure_.has_value(); }
    /// Only when refused().
    [[nodiscard]] const Failure& failure() const noexcept { return *failure_; }

private:
    void not_convertible(std::string_view name, std::string_view text);
    void positive(std::string_view name, std::int64_t number);
    std::int64_t whole_of(std::string_view name, std::string_view text);

    const protocol::Params& params_;
    const Generation generation_;
    const Missing missing_;
    std::optional<Failure> failure_;
};

}  // namespace pharos::naming
