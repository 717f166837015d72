// Cases of the Go client: interop NAMESRV PREFIX case... . One line a case: RESULT<tab>case<tab>ok|fail<tab>milliseconds<tab>text.
package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
	"github.com/apache/rocketmq-client-go/v2/rlog"
)

var (
	namesrv  []string
	unlikely = map[string]bool{}
)

type env struct {
	name    string
	closers []func()
}

func (e *env) topic() string { return "T_" + e.name }
func (e *env) group() string { return "G_" + e.name }

func (e *env) producer() (rocketmq.Producer, error) {
	p, err := rocketmq.NewProducer(producer.WithNameServer(namesrv), producer.WithRetry(2), producer.WithGroupName("P_"+e.name),
		producer.WithInstanceName("p_"+e.name), producer.WithSendMsgTimeout(10*time.Second))
	if err == nil {
		err = p.Start()
		e.closers = append(e.closers, func() { p.Shutdown() })
	}
	return p, err
}

func (e *env) create(broker string) error {
	a, err := admin.NewAdmin(admin.WithResolver(primitive.NewPassthroughResolver(namesrv)))
	if err != nil {
		return err
	}
	defer a.Close()
	return a.CreateTopic(context.Background(), admin.WithTopicCreate(e.topic()), admin.WithBrokerAddrCreate(broker))
}

func (e *env) message(tag string, number int) *primitive.Message {
	m := primitive.NewMessage(e.topic(), []byte(fmt.Sprintf("body of message %d", number)))
	m.WithTag(tag).WithKeys([]string{fmt.Sprintf("key%d", number)})
	m.WithProperty("number", fmt.Sprint(number))
	return m
}

func (e *env) send(p rocketmq.Producer, tag string, from, count int) error {
	for i := from; i < from+count; i++ {
		r, err := p.SendSync(context.Background(), e.message(tag, i))
		if err != nil {
			return err
		}
		if r.Status != primitive.SendOK {
			return fmt.Errorf("send status %v", r.Status)
		}
	}
	return nil
}

// consume starts a push consumer that answers what handle says and collects the numbers of what it got.
func (e *env) consume(expression string, orderly bool, handle func(*primitive.MessageExt) consumer.ConsumeResult) (*inbox, error) {
	options := []consumer.Option{consumer.WithNameServer(namesrv), consumer.WithGroupName(e.group()),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset), consumer.WithInstance("c_" + e.name),
		consumer.WithConsumerOrder(orderly)}
	c, err := rocketmq.NewPushConsumer(options...)
	if err != nil {
		return nil, err
	}
	box := &inbox{seen: map[string]int{}}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: expression}
	err = c.Subscribe(e.topic(), selector, func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		for _, m := range messages {
			if result := handle(m); result != consumer.ConsumeSuccess {
				return result, nil
			}
			number := m.GetProperty("number")
			if string(m.Body) != "body of message "+number {
				box.add("wrong body " + string(m.Body))
			}
			box.add(number)
		}
		return consumer.ConsumeSuccess, nil
	})
	if err == nil {
		err = c.Start()
		e.closers = append(e.closers, func() { c.Shutdown() })
	}
	return box, err
}

type inbox struct {
	lock  sync.Mutex
	seen  map[string]int
	order []string
}

func (b *inbox) add(number string) {
	b.lock.Lock()
	b.seen[number]++
	b.order = append(b.order, number)
	b.lock.Unlock()
}

// wait until exactly the numbers from..from+count-1 are there, once each.
func (b *inbox) wait(from, count, seconds int) error {
	end := time.Now().Add(time.Duration(seconds) * time.Second)
	for {
		b.lock.Lock()
		size := len(b.seen)
		b.lock.Unlock()
		if size >= count || time.Now().After(end) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	b.lock.Lock()
	defer b.lock.Unlock()
	for i := from; i < from+count; i++ {
		if b.seen[fmt.Sprint(i)] != 1 {
			return fmt.Errorf("message %d came %d times; got %v", i, b.seen[fmt.Sprint(i)], b.seen)
		}
	}
	if len(b.seen) != count {
		return fmt.Errorf("got %v where %d..%d was expected", b.seen, from, from+count-1)
	}
	return nil
}

func always(*primitive.MessageExt) consumer.ConsumeResult { return consumer.ConsumeSuccess }

// sends makes a case that sends count messages its way and consumes them.
func sends(count int, way func(*env, rocketmq.Producer) error) func(*env, string) error {
	return func(e *env, broker string) error {
		if err := e.create(broker); err != nil {
			return err
		}
		p, err := e.producer()
		if err != nil {
			return err
		}
		if err = way(e, p); err != nil {
			return err
		}
		box, err := e.consume("*", false, always)
		if err != nil {
			return err
		}
		return box.wait(0, count, 60)
	}
}

var cases = map[string]func(*env, string) error{
	"go_sync": sends(10, func(e *env, p rocketmq.Producer) error { return e.send(p, "TagA", 0, 10) }),
	"go_async": sends(10, func(e *env, p rocketmq.Producer) error {
		done := make(chan error, 10)
		for i := 0; i < 10; i++ {
			err := p.SendAsync(context.Background(), func(_ context.Context, _ *primitive.SendResult, err error) { done <- err }, e.message("TagA", i))
			if err != nil {
				return err
			}
		}
		for i := 0; i < 10; i++ {
			if err := <-done; err != nil {
				return err
			}
		}
		return nil
	}),
	"go_oneway": sends(10, func(e *env, p rocketmq.Producer) error {
		for i := 0; i < 10; i++ {
			if err := p.SendOneWay(context.Background(), e.message("TagA", i)); err != nil {
				return err
			}
		}
		return nil
	}),
	"go_batch": sends(10, func(e *env, p rocketmq.Producer) error {
		var batch []*primitive.Message
		for i := 0; i < 10; i++ {
			batch = append(batch, e.message("TagA", i))
		}
		_, err := p.SendSync(context.Background(), batch...)
		return err
	}),
	"go_push_tag": func(e *env, broker string) error {
		if err := e.create(broker); err != nil {
			return err
		}
		box, err := e.consume("TagA || TagB", false, always)
		if err != nil {
			return err
		}
		p, err := e.producer()
		if err != nil {
			return err
		}
		for i, tag := range []string{"TagA", "TagB", "TagC"} {
			if err := e.send(p, tag, i*5, 5); err != nil {
				return err
			}
		}
		return box.wait(0, 10, 60)
	},
	"go_order": func(e *env, broker string) error {
		if err := e.create(broker); err != nil {
			return err
		}
		p, err := e.producer()
		if err != nil {
			return err
		}
		for i := 0; i < 20; i++ {
			m := e.message("TagA", i)
			m.WithShardingKey("one")
			if _, err := p.SendSync(context.Background(), m); err != nil {
				return err
			}
		}
		box, err := e.consume("*", true, always)
		if err != nil {
			return err
		}
		return box.wait(0, 20, 60)
	},
	"go_retry": func(e *env, broker string) error {
		if err := e.create(broker); err != nil {
			return err
		}
		box, err := e.consume("*", false, func(m *primitive.MessageExt) consumer.ConsumeResult {
			if m.ReconsumeTimes == 0 || m.GetProperty("ORIGIN_MESSAGE_ID") == "" {
				return consumer.ConsumeRetryLater
			}
			return consumer.ConsumeSuccess
		})
		if err != nil {
			return err
		}
		p, err := e.producer()
		if err != nil {
			return err
		}
		if err := e.send(p, "TagA", 0, 2); err != nil {
			return err
		}
		if unlikely["go_retry"] {
			return box.wait(0, 2, 8)
		}
		return box.wait(0, 2, 60)
	},
}

func one(name, prefix, broker string) string {
	e := &env{name: prefix + "_" + name}
	begin, result, text := time.Now(), "ok", ""
	run, found := cases[name]
	err := fmt.Errorf("no case %s", name)
	if found {
		err = run(e, broker)
	}
	if err != nil {
		result, text = "fail", strings.Join(strings.Fields(err.Error()), " ")
	}
	line := fmt.Sprintf("RESULT\t%s\t%s\t%d\t%s", name, result, time.Since(begin).Milliseconds(), text)
	for i := len(e.closers) - 1; i >= 0; i-- {
		e.closers[i]()
	}
	return line
}

func main() {
	rlog.SetLogLevel("error")
	namesrv = []string{os.Args[1]}
	var group sync.WaitGroup
	for _, name := range os.Args[4:] {
		if strings.HasPrefix(name, "?") {
			name = name[1:]
			unlikely[name] = true
		}
		group.Add(1)
		go func(name string) {
			fmt.Println(one(name, os.Args[3], os.Args[2]))
			group.Done()
		}(name)
	}
	group.Wait()
	os.Exit(0)
}
