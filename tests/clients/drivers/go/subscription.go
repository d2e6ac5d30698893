package main

import (
	"encoding/json"
	"time"

	"github.com/centrifugal/centrifuge-go"
)

type filter struct {
	Op    string   `json:"op"`
	Key   string   `json:"key"`
	Cmp   string   `json:"cmp"`
	Val   string   `json:"val"`
	Vals  []string `json:"vals"`
	Nodes []filter `json:"nodes"`
}

type subOptions struct {
	Token       string  `json:"token"`
	GetToken    bool    `json:"getToken"`
	GetState    bool    `json:"getState"`
	Positioned  bool    `json:"positioned"`
	Recoverable bool    `json:"recoverable"`
	JoinLeave   bool    `json:"joinLeave"`
	Delta       string  `json:"delta"`
	TagsFilter  *filter `json:"tagsFilter"`
}

// node says with the SDK's own words what the filter says in those of the wire.
func (f filter) node() *centrifuge.FilterNode {
	var nodes []*centrifuge.FilterNode
	for _, child := range f.Nodes {
		nodes = append(nodes, child.node())
	}
	switch f.Op {
	case "and":
		return centrifuge.FilterAnd(nodes...)
	case "or":
		return centrifuge.FilterOr(nodes...)
	case "not":
		return centrifuge.FilterNot(nodes[0])
	}
	switch f.Cmp {
	case "in":
		return centrifuge.FilterIn(f.Key, f.Vals...)
	case "gt":
		return centrifuge.FilterGt(f.Key, f.Val)
	case "sw":
		return centrifuge.FilterStartsWith(f.Key, f.Val)
	case "ex":
		return centrifuge.FilterExists(f.Key)
	}
	return centrifuge.FilterEq(f.Key, f.Val)
}

func (d *driven) subscribe(channel string, options subOptions) error {
	if known, ok := d.client.GetSubscription(channel); ok {
		return known.Subscribe()
	}
	sub, err := d.client.NewSubscription(channel, d.config(channel, options))
	if err != nil {
		return err
	}
	d.listenTo(sub)
	return sub.Subscribe()
}

func (d *driven) config(channel string, options subOptions) centrifuge.SubscriptionConfig {
	config := centrifuge.SubscriptionConfig{
		Token:               options.Token,
		Positioned:          options.Positioned,
		Recoverable:         options.Recoverable,
		JoinLeave:           options.JoinLeave,
		Delta:               centrifuge.DeltaType(options.Delta),
		MinResubscribeDelay: 20 * time.Millisecond,
		MaxResubscribeDelay: 200 * time.Millisecond,
	}
	if options.TagsFilter != nil {
		config.TagsFilter = options.TagsFilter.node()
	}
	if options.GetToken {
		config.GetToken = func(centrifuge.SubscriptionTokenEvent) (string, error) {
			return askText(line{"client": d.name, "for": "subscription token", "channel": channel})
		}
	}
	if options.GetState {
		config.GetState = func(centrifuge.SubscriptionGetStateEvent) (centrifuge.StreamPosition, error) {
			var at position
			answer, err := ask(line{"client": d.name, "for": "state", "channel": channel})
			if err == nil {
				err = json.Unmarshal(answer, &at)
			}
			return centrifuge.StreamPosition{Offset: at.Offset, Epoch: at.Epoch}, err
		}
	}
	return config
}

func (d *driven) listenTo(sub *centrifuge.Subscription) {
	tell := func(event string, said line) {
		said["channel"] = sub.Channel
		said["sub"] = true
		d.tell(event, said)
	}
	sub.OnSubscribing(func(e centrifuge.SubscribingEvent) {
		tell("subscribing", line{"code": e.Code, "reason": e.Reason})
	})
	sub.OnSubscribed(func(e centrifuge.SubscribedEvent) {
		tell("subscribed", subscribed(e.Recoverable, e.Positioned, e.WasRecovering, e.Recovered, e.StreamPosition, e.Data))
	})
	sub.OnUnsubscribed(func(e centrifuge.UnsubscribedEvent) {
		tell("unsubscribed", line{"code": e.Code, "reason": e.Reason})
	})
	sub.OnError(func(e centrifuge.SubscriptionErrorEvent) { tell("error", errorOf(e.Error)) })
	sub.OnPublication(func(e centrifuge.PublicationEvent) { tell("publication", publication(e.Publication)) })
	sub.OnJoin(func(e centrifuge.JoinEvent) { tell("join", line{"info": info(&e.ClientInfo)}) })
	sub.OnLeave(func(e centrifuge.LeaveEvent) { tell("leave", line{"info": info(&e.ClientInfo)}) })
}
