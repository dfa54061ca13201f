#pragma once

/// Hand-driven stand-ins for what the kernel gives to plugins, so that tests need no threads, sockets or sleeping.
#include <pharos/testing/auth.hpp>
#include <pharos/testing/executors.hpp>
#include <pharos/testing/health.hpp>
#include <pharos/testing/memory_store.hpp>
#include <pharos/testing/net.hpp>
#include <pharos/testing/observe.hpp>
#include <pharos/testing/requests.hpp>
