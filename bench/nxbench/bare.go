// A server with no logic: what the same pushes cost when the transport is all there is. `bare-push` runs push-fanout on it.
package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

type bareConn struct {
	nc         net.Conn
	mu         sync.Mutex // guards writes and bi
	bi         uint32     // the held stream, once open
	subscribed bool
	read       []byte
}

type bareServer struct {
	mu      sync.Mutex
	conns   map[*bareConn]bool
	pushes  int64
	present map[string]bool // addresses registered
	head    []byte          // header block of each reply
	trail   []byte          // and of its end
}

func block(fields ...string) []byte {
	var b bytes.Buffer
	e := hpack.NewEncoder(&b)
	for i := 0; i < len(fields); i += 2 {
		e.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1], Sensitive: true}) // leaves no state in the decoder
	}
	return b.Bytes()
}

// reply answers a unary call in one write.
func (s *bareServer) reply(c *bareConn, id uint32, typ, js string) {
	var out bytes.Buffer
	fr := http2.NewFramer(&out, nil)
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.head, EndHeaders: true})
	fr.WriteData(id, false, encodePayload(nil, typ, []byte(js)))
	fr.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: s.trail, EndHeaders: true, EndStream: true})
	c.mu.Lock()
	c.nc.Write(out.Bytes())
	c.mu.Unlock()
}

// tell writes one list of hosts to every subscriber: the bytes are made once, one loop writes them.
func (s *bareServer) tell(service string) {
	s.mu.Lock()
	s.pushes++
	js := bareList(service, s.present, s.pushes)
	to := make([]*bareConn, 0, len(s.conns))
	for c := range s.conns {
		if c.subscribed {
			to = append(to, c)
		}
	}
	s.mu.Unlock()
	msg := encodePayload(nil, "NotifySubscriberRequest", js)
	frame := append([]byte{byte(len(msg) >> 16), byte(len(msg) >> 8), byte(len(msg)), 0, 0, 0, 0, 0, 0}, msg...)
	for _, c := range to {
		c.mu.Lock()
		binary.BigEndian.PutUint32(frame[5:], c.bi)
		c.nc.Write(frame)
		c.mu.Unlock()
	}
}

func bareList(service string, present map[string]bool, n int64) []byte {
	b := fmt.Appendf(nil, `{"headers":{},"requestId":"%d","serviceInfo":{"name":"%s","groupName":"DEFAULT_GROUP","clusters":"","cacheMillis":10000,"hosts":[`, n, service)
	first := true
	for ip := range present {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = fmt.Appendf(b, `{"instanceId":"%[1]s#7000#DEFAULT#DEFAULT_GROUP@@%[2]s","ip":"%[1]s","port":7000,"weight":1.0,"healthy":true,"enabled":true,"ephemeral":true,"clusterName":"DEFAULT","serviceName":"DEFAULT_GROUP@@%[2]s","metadata":{},"instanceHeartBeatInterval":5000,"instanceHeartBeatTimeOut":15000,"ipDeleteTimeout":30000,"instanceIdGenerator":"simple"}`, ip, service)
	}
	return fmt.Appendf(b, `],"lastRefTime":%d,"checksum":"","allIps":false,"allIPs":false,"reachProtectionThreshold":false,"valid":true},"module":"naming"}`, time.Now().UnixMilli())
}

func quoted(body []byte, key string) string {
	v, _, _ := bytes.Cut(bytes.TrimPrefix(jsonRaw(body, []byte(`"`+key+`"`)), []byte{'"'}), []byte{'"'})
	return string(v)
}

func (s *bareServer) call(c *bareConn, id uint32, typ string, body []byte) {
	const ok = `{"resultCode":200,"errorCode":0,"success":true`
	answer, _ := strings.CutSuffix(typ, "Request")
	switch typ {
	case "ServerCheckRequest":
		s.reply(c, id, "ServerCheckResponse", ok+`,"connectionId":"bare","supportAbilityNegotiation":false}`)
	case "SubscribeServiceRequest":
		s.mu.Lock()
		c.subscribed = true
		s.mu.Unlock()
		s.reply(c, id, answer+"Response", ok+`,"serviceInfo":{"hosts":[]}}`)
	case "InstanceRequest":
		s.mu.Lock()
		if ip := quoted(body, "ip"); bytes.Contains(body, []byte(`"deregisterInstance"`)) {
			delete(s.present, ip)
		} else {
			s.present[ip] = true
		}
		s.mu.Unlock()
		s.reply(c, id, "InstanceResponse", ok+`,"type":"registerInstance"}`)
		s.tell(quoted(body, "serviceName"))
	default:
		s.reply(c, id, answer+"Response", ok+"}")
	}
}

func (s *bareServer) serve(nc net.Conn) {
	c := &bareConn{nc: nc}
	defer func() {
		nc.Close()
		s.mu.Lock()
		delete(s.conns, c)
		s.mu.Unlock()
	}()
	preface := make([]byte, len(http2.ClientPreface))
	if _, err := io.ReadFull(nc, preface); err != nil || string(preface) != http2.ClientPreface {
		return
	}
	s.mu.Lock()
	s.conns[c] = true
	s.mu.Unlock()
	var first bytes.Buffer
	out := http2.NewFramer(&first, nil)
	out.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
	out.WriteWindowUpdate(0, 1<<30)
	nc.Write(first.Bytes())
	fr := http2.NewFramer(nil, nc)
	fr.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	fr.SetReuseFrames()
	for {
		f, err := fr.ReadFrame()
		if err != nil {
			return
		}
		switch f := f.(type) {
		case *http2.MetaHeadersFrame:
			if strings.HasPrefix(f.PseudoValue("path"), "/BiRequestStream") {
				c.mu.Lock()
				c.bi = f.StreamID
				nc.Write(appendHeaders(f.StreamID, s.head))
				c.mu.Unlock()
			}
		case *http2.DataFrame:
			if f.StreamID == c.bi { // set-up and acks: nothing to do
				continue
			}
			if c.read = append(c.read, f.Data()...); f.StreamEnded() && len(c.read) >= 5 {
				typ, body := decodePayload(c.read[5:])
				s.call(c, f.StreamID, typ, body)
				c.read = c.read[:0]
			}
		case *http2.SettingsFrame:
			if !f.IsAck() {
				c.mu.Lock()
				nc.Write([]byte{0, 0, 0, 4, 1, 0, 0, 0, 0})
				c.mu.Unlock()
			}
		}
	}
}

func appendHeaders(id uint32, b []byte) []byte {
	var out bytes.Buffer
	http2.NewFramer(&out, nil).WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: b, EndHeaders: true})
	return out.Bytes()
}

func bareServerCmd(cmd string, _ *result) error {
	l, err := net.Listen("tcp", grpcAddr())
	if err != nil {
		return err
	}
	s := &bareServer{conns: map[*bareConn]bool{}, present: map[string]bool{}, head: block(":status", "200", "content-type", "application/grpc"), trail: block("grpc-status", "0")}
	go func() { // ends with the tool that started it, or after ten minutes
		for end := time.Now().Add(10 * time.Minute); os.Getppid() != 1 && time.Now().Before(end); time.Sleep(time.Second) {
		}
		os.Exit(0)
	}()
	for {
		nc, err := l.Accept()
		if err != nil {
			return err
		}
		go s.serve(nc)
	}
}

// barePush starts a bare server as a process of its own and runs push-fanout on it.
func barePush(cmd string, res *result) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	*flagGrpc = l.Addr().String()
	l.Close()
	self, err := os.Executable()
	if err != nil {
		return err
	}
	child := exec.Command(self, "bare-server", "-grpc", *flagGrpc, "-procs", strconv.Itoa(2))
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		return err
	}
	defer func() { child.Process.Kill(); child.Wait() }()
	if !until(10, func() bool {
		nc, err := net.Dial("tcp", *flagGrpc)
		if err == nil {
			nc.Close()
		}
		return err == nil
	}) {
		return fmt.Errorf("the bare server does not listen")
	}
	flagPid = pidList{child.Process.Pid}
	if *flagName == "" {
		*flagName = "bare"
	}
	return pushFanout(cmd, res)
}
