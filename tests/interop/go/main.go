// The Go SDK, unchanged, against one server: see tests/support/interop.py for how it is run.
package main

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/clients"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/config_client"
	"github.com/nacos-group/nacos-sdk-go/v2/clients/naming_client"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
	"github.com/nacos-group/nacos-sdk-go/v2/vo"
)

const (
	service = "interop-go"
	group   = "DEFAULT_GROUP"
)

var input = bufio.NewReader(os.Stdin)

func check(err error) {
	if err != nil {
		fmt.Println("FAILED:", err)
		os.Exit(1)
	}
}

func ok(step string) { fmt.Println("OK", step) }

// eventually waits until f is true; the step fails when that takes longer. (The SDK refuses more than five queries a second.)
func eventually(step string, within time.Duration, f func() bool) {
	for end := time.Now().Add(within); !f(); time.Sleep(250 * time.Millisecond) {
		if time.Now().After(end) {
			check(fmt.Errorf("%s: not within %v", step, within))
		}
	}
	ok(step)
}

// gate asks the runner to "cut" or "restore" what goes through the gate.
func gate(what string) {
	fmt.Println("@" + what)
	line, err := input.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != "done" {
		err = fmt.Errorf("the gate answered %q", line)
	}
	check(err)
}

func param(name, port, namespace string) vo.NacosClientParam {
	n, err := strconv.ParseUint(os.Getenv(port), 10, 16)
	check(err)
	dir := filepath.Join(os.Getenv("WORK"), name)
	return vo.NacosClientParam{
		ClientConfig: constant.NewClientConfig(constant.WithNamespaceId(namespace), constant.WithTimeoutMs(5000), constant.WithNotLoadCacheAtStart(true), constant.WithUpdateCacheWhenEmpty(true),
			constant.WithLogDir(filepath.Join(dir, "log")), constant.WithCacheDir(filepath.Join(dir, "cache")), constant.WithLogLevel("info")),
		ServerConfigs: []constant.ServerConfig{*constant.NewServerConfig("127.0.0.1", n)},
	}
}

func namingClient(name, port, namespace string) naming_client.INamingClient {
	c, err := clients.NewNamingClient(param(name, port, namespace))
	check(err)
	return c
}

func instance(ip string) vo.RegisterInstanceParam {
	return vo.RegisterInstanceParam{Ip: ip, Port: 8080, ServiceName: service, GroupName: group, Weight: 1, Enable: true, Healthy: true,
		Ephemeral: true, Metadata: map[string]string{"from": "go"}}
}

func register(c naming_client.INamingClient, ip string) {
	done, err := c.RegisterInstance(instance(ip))
	if err == nil && !done {
		err = fmt.Errorf("register %s: refused", ip)
	}
	check(err)
}

func deregister(c naming_client.INamingClient, ip string) {
	done, err := c.DeregisterInstance(vo.DeregisterInstanceParam{Ip: ip, Port: 8080, ServiceName: service, GroupName: group, Ephemeral: true})
	if err == nil && !done {
		err = fmt.Errorf("deregister %s: refused", ip)
	}
	check(err)
}

func all(c naming_client.INamingClient, service, group string, clusters ...string) string {
	list, err := c.SelectAllInstances(vo.SelectAllInstancesParam{ServiceName: service, GroupName: group, Clusters: clusters})
	check(err)
	seen := &view{}
	seen.set(list)
	return seen.ips
}

// places: what belongs to another cluster, group or namespace is apart, and what cannot be is refused.
func places(c naming_client.INamingClient) {
	_, err := c.BatchRegisterInstance(vo.BatchRegisterInstanceParam{ServiceName: service + "-batch", GroupName: group,
		Instances: []vo.RegisterInstanceParam{instance("10.0.1.1"), instance("10.0.1.2")}})
	check(err)
	eventually("batch registration", 5*time.Second, func() bool { return all(c, service+"-batch", group) == "10.0.1.1,10.0.1.2" })

	east := instance("10.0.1.3")
	east.GroupName, east.ClusterName = "other-group", "east"
	_, err = c.RegisterInstance(east)
	check(err)
	eventually("cluster and group", 5*time.Second, func() bool { return all(c, service, "other-group", "east") == "10.0.1.3" })

	elsewhere := namingClient("elsewhere", "PORT", "interop")
	_, err = elsewhere.RegisterInstance(instance("10.0.2.1"))
	check(err)
	eventually("namespace", 5*time.Second, func() bool { return all(elsewhere, service, group) == "10.0.2.1" })
	elsewhere.CloseClient()

	bad := instance("10.0.0.9")
	bad.ServiceName = "bad service"
	if done, _ := c.RegisterInstance(bad); done { // the SDK tells of a refusal by false alone
		check(fmt.Errorf("a bad name was accepted"))
	}
	ok("refused name")
}

// view is what a subscriber was told last.
type view struct {
	mu  sync.Mutex
	ips string
}

func (v *view) set(list []model.Instance) {
	var ips []string
	for _, i := range list {
		ips = append(ips, i.Ip)
	}
	sort.Strings(ips)
	v.mu.Lock()
	v.ips = strings.Join(ips, ",")
	v.mu.Unlock()
}

func (v *view) is(ips string) func() bool {
	return func() bool {
		v.mu.Lock()
		defer v.mu.Unlock()
		return v.ips == ips
	}
}

func naming() {
	a, b, gated := namingClient("a", "PORT", ""), namingClient("b", "PORT", ""), namingClient("gated", "GATE_PORT", "")

	register(a, "10.0.0.1")
	ok("register")
	seen := &view{}
	subscription := &vo.SubscribeParam{ServiceName: service, GroupName: group, SubscribeCallback: func(list []model.Instance, err error) {
		seen.set(list)
	}}
	check(a.Subscribe(subscription))
	eventually("subscriber sees its own instance", 5*time.Second, seen.is("10.0.0.1"))

	register(b, "10.0.0.2")
	eventually("subscriber is pushed another client's instance", 5*time.Second, seen.is("10.0.0.1,10.0.0.2"))

	list, err := a.SelectInstances(vo.SelectInstancesParam{ServiceName: service, GroupName: group, HealthyOnly: true})
	check(err)
	if len(list) != 2 || list[0].Metadata["from"] != "go" || list[0].Port != 8080 {
		check(fmt.Errorf("select instances: %+v", list))
	}
	ok("select instances")

	deregister(b, "10.0.0.2")
	eventually("deregistration is pushed", 5*time.Second, seen.is("10.0.0.1"))

	services, err := b.GetAllServicesInfo(vo.GetAllServiceInfoParam{NameSpace: "public", GroupName: group, PageNo: 1, PageSize: 100})
	check(err)
	if !strings.Contains(strings.Join(services.Doms, ","), service) {
		check(fmt.Errorf("service list: %+v", services))
	}
	ok("service list")

	register(gated, "10.0.0.3")
	eventually("instance behind the gate is seen", 5*time.Second, seen.is("10.0.0.1,10.0.0.3"))
	gate("cut")
	eventually("instance of a cut connection is gone", 5*time.Second, seen.is("10.0.0.1"))
	time.Sleep(3 * time.Second) // the client tries and fails meanwhile
	gate("restore")
	eventually("instance is back by redo", 30*time.Second, seen.is("10.0.0.1,10.0.0.3"))

	places(b)
	check(a.Unsubscribe(subscription))
	deregister(a, "10.0.0.1")
	deregister(gated, "10.0.0.3")
	for _, c := range []naming_client.INamingClient{a, b, gated} {
		c.CloseClient()
	}
	ok("unsubscribe, deregister and close")
}

func configClient(name, port, namespace string) config_client.IConfigClient {
	c, err := clients.NewConfigClient(param(name, port, namespace))
	check(err)
	return c
}

func config() {
	a, b := configClient("config-a", "PORT", ""), configClient("config-b", "GATE_PORT", "")
	const id = "interop-go.yaml"
	publish := func(content string) {
		done, err := a.PublishConfig(vo.ConfigParam{DataId: id, Group: group, Content: content, Type: "yaml"})
		if err == nil && !done {
			err = fmt.Errorf("publish: refused")
		}
		check(err)
	}
	get := func(c config_client.IConfigClient) string {
		content, _ := c.GetConfig(vo.ConfigParam{DataId: id, Group: group})
		return content
	}
	publish("a: 1 # ü")
	ok("publish config")
	eventually("get config", 5*time.Second, func() bool { return get(b) == "a: 1 # ü" })

	var mu sync.Mutex
	var told string
	heard := func(want string) func() bool {
		return func() bool { mu.Lock(); defer mu.Unlock(); return told == want }
	}
	check(b.ListenConfig(vo.ConfigParam{DataId: id, Group: group, OnChange: func(_, _, _, data string) {
		mu.Lock()
		told = data
		mu.Unlock()
	}}))
	time.Sleep(time.Second)
	publish("a: 2")
	eventually("listener is told a change", 5*time.Second, heard("a: 2"))

	gate("cut")
	publish("a: 3")
	time.Sleep(2 * time.Second)
	gate("restore")
	eventually("listener is told what changed while it was cut off", 30*time.Second, heard("a: 3"))

	if done, err := a.PublishConfig(vo.ConfigParam{DataId: id, Group: group, Content: "a: never", CasMd5: strings.Repeat("0", 32)}); done {
		check(fmt.Errorf("a wrong md5 was accepted: %v", err))
	}
	ok("compare and set")
	elsewhere := configClient("config-elsewhere", "PORT", "interop")
	if content := get(elsewhere); content != "" {
		check(fmt.Errorf("another namespace sees %q", content))
	}
	ok("config namespace")
	elsewhere.CloseClient()

	done, err := a.DeleteConfig(vo.ConfigParam{DataId: id, Group: group})
	check(err)
	if !done {
		check(fmt.Errorf("delete: refused"))
	}
	c := configClient("config-c", "PORT", "") // without a local copy
	eventually("removed config is gone", 5*time.Second, func() bool { return get(c) == "" })
	a.CloseClient()
	b.CloseClient()
	c.CloseClient()
}

func main() {
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+os.Getenv("PORT"), 5*time.Second)
	check(err)
	conn.Close()
	naming()
	config()
}
