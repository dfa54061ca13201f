#pragma once

#include <pharos/spi/control.hpp>
#include <pharos/spi/executor.hpp>

#include "api_http/call.hpp"
#include "listen/long_polls.hpp"
#include "listen/rpc_listeners.hpp"
#include "search/search.hpp"
#include "store/repository.hpp"

namespace pharos::config {

/// What the calls work with.
struct Services {
    const Index& index;
    Repository& repository;
    Search& search;
    LongPolls& polls;
    RpcListeners& listeners;
    spi::Executors& executors;
    spi::LoadControl* control = nullptr;  ///< who limits long polls; null: nobody
};

// One function a call, for all generations that have it. The table of routes says which.

// config_calls.cpp
void publish(Services& services, Call& call);
void query(Services& services, Call& call);
void remove(Services& services, Call& call);
void remove_by_ids(Services& services, Call& call);
void show_all(Services& services, Call& call);  ///< v1 `show=all`, v3 admin
void catalog(Services& services, Call& call);
void capacity(Services& services, Call& call);
void health(Services& services, Call& call);

// list_calls.cpp
void search_configs(Services& services, Call& call);  ///< v1 `search=…`, v2 searchDetail, v3 list

// history_calls.cpp
void list_history(Services& services, Call& call);
void history_row(Services& services, Call& call);
void previous_history_row(Services& services, Call& call);
void history_comparison(Services& services, Call& call);  ///< v2 `history/detail`
void history_configs(Services& services, Call& call);

// listener_calls.cpp
void long_poll(Services& services, Call& call);
void listeners_of_config(Services& services, Call& call);
void configs_of_listener(Services& services, Call& call);
void watchers_of_config(Services& services, Call& call);
void configs_of_watcher(Services& services, Call& call);

}  // namespace pharos::config
