package main

import (
	"encoding/json"
	"errors"
	"os"
	"sync"

	"github.com/centrifugal/centrifuge-go"
)

// A line, or an object in one.
type line map[string]any

// payload adds JSON text as a member, unless there is none.
func (l line) payload(name string, text []byte) line {
	if len(text) != 0 {
		l[name] = json.RawMessage(text)
	}
	return l
}

var stdout sync.Mutex

func say(l line) {
	text, err := json.Marshal(l)
	if err != nil {
		panic(err)
	}
	stdout.Lock()
	defer stdout.Unlock()
	_, _ = os.Stdout.Write(append(text, '\n'))
}

// What the SDK asked and the runner has not answered yet.
var questions = struct {
	sync.Mutex
	count   int
	waiting map[int]chan command
}{waiting: map[int]chan command{}}

func ask(question line) (json.RawMessage, error) {
	answer := make(chan command, 1)
	questions.Lock()
	questions.count++
	question["ask"] = questions.count
	questions.waiting[questions.count] = answer
	questions.Unlock()
	say(question)
	got := <-answer
	if got.Refuse {
		return nil, centrifuge.ErrUnauthorized
	}
	return got.Value, nil
}

func askText(question line) (string, error) {
	var text string
	value, err := ask(question)
	if err == nil {
		err = json.Unmarshal(value, &text)
	}
	return text, err
}

func answered(c command) {
	questions.Lock()
	defer questions.Unlock()
	questions.waiting[c.Answer] <- c
	delete(questions.waiting, c.Answer)
}

// errorOf has the server's code where the error has one.
func errorOf(err error) line {
	said := line{"message": err.Error()}
	var reply *centrifuge.Error
	if errors.As(err, &reply) {
		said["code"] = reply.Code
		said["message"] = reply.Message
	}
	return said
}

func info(who *centrifuge.ClientInfo) line {
	said := line{"client": who.Client, "user": who.User}
	return said.payload("connInfo", who.ConnInfo).payload("chanInfo", who.ChanInfo)
}

func publication(pub centrifuge.Publication) line {
	said := line{}.payload("data", pub.Data)
	if pub.Offset != 0 {
		said["offset"] = pub.Offset
	}
	if len(pub.Tags) != 0 {
		said["tags"] = pub.Tags
	}
	if pub.Info != nil {
		said["info"] = info(pub.Info)
	}
	return said
}

func subscribed(
	recoverable, positioned, wasRecovering, recovered bool, at *centrifuge.StreamPosition, data []byte,
) line {
	said := line{
		"recoverable": recoverable, "positioned": positioned, "wasRecovering": wasRecovering, "recovered": recovered,
	}
	if at != nil {
		said["position"] = position{Offset: at.Offset, Epoch: at.Epoch}
	}
	return said.payload("data", data)
}
