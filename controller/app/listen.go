package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"syscall"
)

// listeners are the controller's open ports.
type listeners struct {
	plain, secure, health, status, webhook net.Listener
}

// Addresses holds the actual addresses, for ports given as 0.
type Addresses struct {
	Plain, Secure, Health, Status, Webhook net.Addr // Webhook is nil without one
}

func (l *listeners) addresses() Addresses {
	all := Addresses{Plain: l.plain.Addr(), Secure: l.secure.Addr(), Health: l.health.Addr(), Status: l.status.Addr()}
	if l.webhook != nil {
		all.Webhook = l.webhook.Addr()
	}
	return all
}

// ports are the numbers of all ports.
func (l *listeners) ports() []int {
	var numbers []int
	for _, listener := range []net.Listener{l.plain, l.secure, l.health, l.status, l.webhook} {
		if listener == nil {
			continue
		}
		if address, is := listener.Addr().(*net.TCPAddr); is {
			numbers = append(numbers, address.Port)
		}
	}
	return numbers
}

// listen opens all ports, or none.
func listen(ctx context.Context, o Options) (*listeners, error) {
	l := &listeners{}
	for _, port := range []struct {
		flag, address string
		to            *net.Listener
	}{
		{"--http-port", net.JoinHostPort("", strconv.Itoa(o.HTTPPort)), &l.plain},
		{"--https-port", net.JoinHostPort("", strconv.Itoa(o.HTTPSPort)), &l.secure},
		{"--healthz-port", net.JoinHostPort("", strconv.Itoa(o.HealthzPort)), &l.health},
		{"--status-port", net.JoinHostPort("127.0.0.1", strconv.Itoa(o.StatusPort)), &l.status},
		{"--validating-webhook", o.ValidatingWebhook, &l.webhook},
	} {
		if port.address == "" {
			continue
		}
		opened, err := (&net.ListenConfig{}).Listen(ctx, "tcp", port.address)
		if err != nil {
			l.close()
			return nil, listenError(port.flag, port.address, err)
		}
		*port.to = opened
	}
	return l, nil
}

func (l *listeners) close() {
	for _, listener := range []net.Listener{l.plain, l.secure, l.health, l.status, l.webhook} {
		if listener != nil {
			listener.Close()
		}
	}
}

func listenError(flag, address string, err error) error {
	remedy := ""
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		remedy = ": another process has this port; stop it, or choose another with " + flag
	case errors.Is(err, os.ErrPermission):
		remedy = ": ports below 1024 need the capability NET_BIND_SERVICE; grant it, or choose another with " + flag
	}
	return fmt.Errorf("listening on %s: %w%s", address, err, remedy)
}
