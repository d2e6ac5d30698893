// Drives centrifuge-go as the README of tests/clients says.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

const (
	sdk          = "github.com/centrifugal/centrifuge-go"
	lineBytesMax = 16 << 20
	callTime     = 10 * time.Second
)

type position struct {
	Offset uint64 `json:"offset"`
	Epoch  string `json:"epoch"`
}

type command struct {
	ID       int             `json:"id"`
	Do       string          `json:"do"`
	Client   string          `json:"client"`
	URL      string          `json:"url"`
	Encoding string          `json:"encoding"`
	Token    string          `json:"token"`
	GetToken bool            `json:"getToken"`
	Channel  string          `json:"channel"`
	Data     json.RawMessage `json:"data"`
	Method   string          `json:"method"`
	Limit    int32           `json:"limit"`
	Since    *position       `json:"since"`
	Reverse  bool            `json:"reverse"`
	Options  subOptions      `json:"options"`

	Answer int             `json:"answer"`
	Value  json.RawMessage `json:"value"`
	Refuse bool            `json:"refuse"`
}

// A client by its name. Payloads are JSON text in both encodings.
type driven struct {
	name   string
	client *centrifuge.Client
}

func newDriven(c command) *driven {
	d := &driven{name: c.Client}
	config := centrifuge.Config{
		Token:             c.Token,
		MinReconnectDelay: 20 * time.Millisecond,
		MaxReconnectDelay: 200 * time.Millisecond,
		HandshakeTimeout:  callTime,
	}
	if c.GetToken {
		config.GetToken = func(centrifuge.ConnectionTokenEvent) (string, error) {
			return askText(line{"client": d.name, "for": "token"})
		}
	}
	if c.Encoding == "protobuf" {
		d.client = centrifuge.NewProtobufClient(c.URL, config)
	} else {
		d.client = centrifuge.NewJsonClient(c.URL, config)
	}
	d.listen()
	return d
}

func (d *driven) tell(event string, members line) {
	members["event"] = event
	members["client"] = d.name
	say(members)
}

func (d *driven) listen() {
	d.client.OnConnecting(func(e centrifuge.ConnectingEvent) {
		d.tell("connecting", line{"code": e.Code, "reason": e.Reason})
	})
	d.client.OnConnected(func(e centrifuge.ConnectedEvent) {
		d.tell("connected", line{"id": e.ClientID}.payload("data", e.Data))
	})
	d.client.OnDisconnected(func(e centrifuge.DisconnectedEvent) {
		d.tell("disconnected", line{"code": e.Code, "reason": e.Reason})
	})
	d.client.OnError(func(e centrifuge.ErrorEvent) { d.tell("error", errorOf(e.Error)) })
	d.client.OnSubscribing(func(e centrifuge.ServerSubscribingEvent) {
		d.tell("subscribing", line{"channel": e.Channel})
	})
	d.client.OnSubscribed(func(e centrifuge.ServerSubscribedEvent) {
		said := subscribed(e.Recoverable, e.Positioned, e.WasRecovering, e.Recovered, e.StreamPosition, e.Data)
		said["channel"] = e.Channel
		d.tell("subscribed", said)
	})
	d.client.OnUnsubscribed(func(e centrifuge.ServerUnsubscribedEvent) {
		d.tell("unsubscribed", line{"channel": e.Channel})
	})
	d.client.OnPublication(func(e centrifuge.ServerPublicationEvent) {
		said := publication(e.Publication)
		said["channel"] = e.Channel
		d.tell("publication", said)
	})
	d.client.OnJoin(func(e centrifuge.ServerJoinEvent) {
		d.tell("join", line{"channel": e.Channel, "info": info(&e.ClientInfo)})
	})
	d.client.OnLeave(func(e centrifuge.ServerLeaveEvent) {
		d.tell("leave", line{"channel": e.Channel, "info": info(&e.ClientInfo)})
	})
}

func (d *driven) history(ctx context.Context, c command) (line, error) {
	options := []centrifuge.HistoryOption{
		centrifuge.WithHistoryLimit(c.Limit), centrifuge.WithHistoryReverse(c.Reverse),
	}
	if c.Since != nil {
		since := centrifuge.StreamPosition{Offset: c.Since.Offset, Epoch: c.Since.Epoch}
		options = append(options, centrifuge.WithHistorySince(&since))
	}
	got, err := d.client.History(ctx, c.Channel, options...)
	if err != nil {
		return nil, err
	}
	publications := []line{}
	for _, pub := range got.Publications {
		publications = append(publications, publication(pub))
	}
	return line{"publications": publications, "offset": got.Offset, "epoch": got.Epoch}, nil
}

func (d *driven) presence(ctx context.Context, c command) (line, error) {
	got, err := d.client.Presence(ctx, c.Channel)
	if err != nil {
		return nil, err
	}
	clients := line{}
	for id, who := range got.Clients {
		clients[id] = info(&who)
	}
	return line{"clients": clients}, nil
}

// run carries out one command of a client that exists.
func (d *driven) run(ctx context.Context, c command) (line, error) {
	switch c.Do {
	case "connect":
		// A first dial that fails is tried again and told by events.
		_ = d.client.Connect()
		return nil, nil
	case "disconnect":
		return nil, d.client.Disconnect()
	case "end":
		d.client.Close()
		return nil, nil
	case "subscribe":
		return nil, d.subscribe(c.Channel, c.Options)
	case "unsubscribe":
		sub, _ := d.client.GetSubscription(c.Channel)
		return nil, sub.Unsubscribe()
	case "publish":
		_, err := d.client.Publish(ctx, c.Channel, c.Data)
		return nil, err
	case "history":
		return d.history(ctx, c)
	case "presence":
		return d.presence(ctx, c)
	case "presence_stats":
		got, err := d.client.PresenceStats(ctx, c.Channel)
		return line{"numClients": got.NumClients, "numUsers": got.NumUsers}, err
	case "rpc":
		got, err := d.client.RPC(ctx, c.Method, c.Data)
		return line{}.payload("data", got.Data), err
	}
	return nil, errors.New("unknown command " + c.Do)
}

func obey(d *driven, c command) {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	result, err := d.run(ctx, c)
	if err != nil {
		say(line{"id": c.ID, "error": errorOf(err)})
		return
	}
	if result == nil {
		result = line{}
	}
	say(line{"id": c.ID, "ok": result})
}

func version() string {
	if build, ok := debug.ReadBuildInfo(); ok {
		for _, module := range build.Deps {
			if module.Path == sdk {
				return module.Version
			}
		}
	}
	return "unknown"
}

func main() {
	say(line{"hello": line{"sdk": "centrifuge-go", "version": version()}})
	clients := map[string]*driven{}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, lineBytesMax)
	for in.Scan() {
		var c command
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if c.Answer != 0 {
			answered(c)
			continue
		}
		if c.Do == "new" {
			clients[c.Client] = newDriven(c)
			say(line{"id": c.ID, "ok": line{}})
			continue
		}
		go obey(clients[c.Client], c)
	}
}
