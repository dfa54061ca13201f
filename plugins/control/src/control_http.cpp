#include "control_http.hpp"

#include <pharos/protocol/replies.hpp>
#include <pharos/sdk/json_writer.hpp>

namespace pharos::control {

spi::Status ControlHttp::add_to(spi::HttpRoutes& routes) {
    const spi::HttpRoute route{spi::HttpMethod::kGet,
                               "/v3/admin/core/control/rules",
                               {.action = spi::Action::kRead, .resource_type = "console/ops"}};
    registrations_.take(routes.add(route, [this](const spi::HttpRequest&, spi::HttpResponder responder) {
        protocol::reply_result(std::move(responder), rules_json());
    }));
    return registrations_.status();
}

std::string ControlHttp::rules_json() const {
    std::string out;
    sdk::JsonWriter json(out);
    const ConnectionRule connections = controller_.connection_rule();
    json.begin_object().key("connection").begin_object().member("countLimit", connections.count_limit);
    json.key("monitorIpList").begin_array();
    for (const std::string& ip : connections.monitor_ips) {
        json.value(ip);
    }
    json.end_array().end_object().key("points").begin_array();
    for (const Controller::Row& row : controller_.rows()) {
        json.begin_object().member("pointName", row.point).member("maxCount", row.rule.max_count);
        json.member("period", period_name(row.rule.period));
        json.member("monitorType", row.rule.intercept ? "intercept" : "monitor");
        json.member("source", row.from_file ? "file" : "settings").member("known", row.is_known);
        json.member("count", row.count).end_object();
    }
    json.end_array().end_object();
    return out;
}

}  // namespace pharos::control
