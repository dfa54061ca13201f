#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <pharos/protocol/paging.hpp>
#include <pharos/protocol/params.hpp>
#include <pharos/protocol/replies.hpp>
#include <pharos/spi/executor.hpp>
#include <pharos/spi/http.hpp>
#include <pharos/spi/status.hpp>

#include "model/key.hpp"
#include "store/repository.hpp"

namespace pharos::config {

/// The generations of the HTTP interface. They name parameters and wrap answers differently; what they do is the same.
enum class Generation { kV1, kV2, kV3Client, kV3Admin };

/// The way back of one call, in the shapes of its generation (`protocol/config.md §2.1`). Move-only; answers once, now
/// or later, on any thread.
class Reply {
public:
    Reply(Generation generation, spi::HttpResponder responder)
        : generation_(generation), responder_(std::move(responder)) {}

    /// JSON: as it is in v1, else as the data of a Result.
    void data(std::string_view json);
    /// JSON as the data of the envelope that every generation has.
    void wrapped(std::string_view json);
    /// JSON without an envelope, in every generation.
    void bare(std::string_view json);
    void text(int status, std::string_view text);

    /// The request is wrong: the message says how.
    void invalid(std::string_view message);
    void missing(std::string_view parameter, const spi::HttpRequest& request, const spi::Clock& clock);
    void not_found(std::string_view message);
    void forbidden(std::string_view message);
    /// Something failed here, such as the store. A conflict is one of content.
    void failed(const spi::Status& status);
    /// There is too much to do.
    void busy(std::string_view message);

    [[nodiscard]] Generation generation() const noexcept { return generation_; }
    [[nodiscard]] spi::HttpResponder take() { return std::move(responder_); }

private:
    void caused(int status, std::string_view message);

    Generation generation_;
    spi::HttpResponder responder_;
};

/// A request while it is looked at: its parameters and the names that most calls have. Valid during the handler's call.
class Call {
public:
    Call(Generation generation, const spi::HttpRequest& request, spi::HttpResponder responder, const spi::Clock& clock);

    [[nodiscard]] const spi::HttpRequest& request() const noexcept { return request_; }
    [[nodiscard]] const protocol::Params& params() const noexcept { return params_; }
    [[nodiscard]] std::string_view get(std::string_view name) const { return params_.get(name); }
    [[nodiscard]] bool is_v1() const noexcept { return reply.generation() == Generation::kV1; }

    /// As the client wrote it; "" when it did not.
    [[nodiscard]] std::string_view tenant() const noexcept { return tenant_; }
    [[nodiscard]] std::string_view group() const noexcept { return group_; }
    [[nodiscard]] std::string_view data_id() const noexcept { return data_id_; }
    [[nodiscard]] ConfigKey key() const { return make_key(tenant_, group_, data_id_); }
    [[nodiscard]] std::string namespace_id() const { return key().namespace_id; }
    /// Name of the parameter of the group.
    [[nodiscard]] std::string_view group_name() const noexcept;

    /// Whether the names obey the parameter checker; false when the call has been answered.
    [[nodiscard]] bool check_names();
    /// Whether the parameters are there: present in v1, not blank in later generations. False: answered.
    [[nodiscard]] bool require(std::initializer_list<std::string_view> names);
    /// Whether the parameters are there, if only as "". False: answered.
    [[nodiscard]] bool require_present(std::initializer_list<std::string_view> names);
    /// check_names() and require() dataId and group.
    [[nodiscard]] bool require_config();
    /// A parameter that is a whole number; nothing when the call has been answered.
    [[nodiscard]] std::optional<std::int64_t> number(std::string_view name, std::int64_t fallback);
    /// pageNo and pageSize; nothing when the call has been answered.
    [[nodiscard]] std::optional<protocol::PageRequest> page(protocol::PageRequest defaults);
    /// The numbers of a comma-separated list; nothing when the call has been answered.
    [[nodiscard]] std::optional<std::vector<std::uint64_t>> numbers(std::string_view name);

    /// Who changes something: who has logged in, else who is named (`protocol/config.md §10` trap 43).
    [[nodiscard]] Author author(std::string_view user_parameter) const;

private:
    const spi::HttpRequest& request_;
    const spi::Clock& clock_;
    const protocol::Params params_;
    std::string_view tenant_;
    std::string_view group_;
    std::string_view data_id_;

public:
    Reply reply;
};

/// What a call is about, for access decisions.
[[nodiscard]] spi::Resource resource_of(const spi::HttpRequest& request);
/// The same for calls that name configs by numbers only: without a namespace they may touch any, which "*" stands for.
[[nodiscard]] spi::Resource namespace_of(const spi::HttpRequest& request);

}  // namespace pharos::config
