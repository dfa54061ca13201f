// Population: a large registry that lives, half of it by connections and half by beats, and what its lists cost.
package main

import (
	"bytes"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// beatEvery renews n instances made by gen once a period from a few connections, evenly, until stop is closed.
func beatEvery(n int, gen genFn, period time.Duration, stop chan struct{}, sent *atomic.Int64, fail func(any)) *sync.WaitGroup {
	const conns, slices = 8, 50
	var wg sync.WaitGroup
	for w := range conns {
		wg.Go(func() {
			var c *hconn
			var buf []byte
			tick := time.NewTicker(period / slices)
			defer tick.Stop()
			for slice := 0; ; slice = (slice + 1) % slices {
				select {
				case <-stop:
					return
				case <-tick.C:
				}
				for i := slice*conns + w; i < n; i += slices * conns {
					buf = gen(buf[:0], int64(i))
					if _, err := ask(&c, buf, "10200", 10*time.Second); err != nil {
						fail(fmt.Errorf("beat: %v", err))
					}
					sent.Add(1)
				}
			}
		})
	}
	return &wg
}

// populationCmd: -conns connections publish -per instances each, in as many services, and -beats instances are kept by HTTP
// beats; together they are spread over -services services. Then lists are read one by one, whole, over all services.
func populationCmd(cmd string, res *result) error {
	n, m, per, beaten := *flagConns, max(1, *flagSvcs), *flagPer, *flagBeats
	*flagKeys = m
	name := "bench-pop-"
	u0 := sample()
	hs := pool(n, nil, func(i int, h *h2) error {
		for k := range per {
			if err := instance(h, name+strconv.Itoa((i*per+k)%m), ip4(i), true); err != nil {
				return err
			}
		}
		return nil
	}, res.fail)
	defer closeAll(hs)
	if bad, err := many(beaten, instOp("POST", "", name, "", beaten), "ok"); bad > 0 {
		return fmt.Errorf("register: %d of %d failed: %v", bad, beaten, err)
	}
	u1 := sample()
	instances := alive(hs)*per + beaten
	res.set("conns", alive(hs), "services", m, "instances", instances, "base_rss_mb", rnd(u0.rss, 1))
	res.cost("setup_", u0, u1, int64(instances))

	stop := make(chan struct{})
	var sent atomic.Int64
	beats := beatEvery(beaten, instOp("PUT", "/beat", name, "", beaten), 5*time.Second, stop, &sent, res.fail)
	time.Sleep(5 * time.Second) // one beat each
	u2, b2 := sample(), sent.Load()
	time.Sleep(time.Duration(*flagHold * 1e9))
	u3, b3 := sample(), sent.Load()
	hold := u3.at.Sub(u2.at).Seconds()
	held := (u3.srv - u2.srv) / hold // server CPU seconds a second, without lists
	res.set("beats_s", rnd(float64(b3-b2)/hold, 0), "hold_srv_cpu_pct", rnd(100*held, 2))

	list := getOp("ns/instance/list?serviceName="+name, "&groupName=DEFAULT_GROUP&namespaceId=public&clusters=&healthyOnly=false")
	var h hist
	var c *hconn
	var buf []byte
	missing := 0
	want := (instances + m - 1) / m
	u4 := sample()
	for i := int64(0); time.Since(u4.at).Seconds() < *flagSec; i++ {
		buf = list(buf[:0], i*7919)
		t := now()
		body, err := ask(&c, buf, `"hosts"`, 10*time.Second)
		if err != nil {
			res.fail(err)
			continue
		}
		h.add(now() - t)
		if i < int64(m) && bytes.Count(body, kIP) < want-1 {
			missing++
		}
	}
	u5 := sample()
	took := u5.at.Sub(u4.at).Seconds()
	res.lat(&h)
	res.set("lists", h.n, "lists_incomplete", missing, "list_srv_cpu_us_op", rnd((u5.srv-u4.srv-held*took)*1e6/float64(max(h.n, 1)), 2),
		"rss_mb", rnd(u5.rss, 1), "hwm_mb", rnd(u5.hwm, 1), "rss_bytes_instance", rnd((u3.rss-u0.rss)*1024*1024/float64(max(instances, 1)), 0),
		"other_cpu_s", rnd(max(0, u5.all-u2.all-(u5.srv-u2.srv)-(u5.tool-u2.tool)), 2), "wall_s", rnd(u5.at.Sub(u2.at).Seconds(), 1))
	close(stop)
	beats.Wait()
	res.print(cmd)
	return nil
}
