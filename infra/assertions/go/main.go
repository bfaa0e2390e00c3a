// A service that answers only to whoever Pagepass vouches for:
//
//	PAGEPASS_JWKS=https://orders-svc.access.example.com/.pagepass/jwks.json \
//	PAGEPASS_ISSUER=pagepass:production PAGEPASS_SERVICE=orders-svc PORT=9001 go run .
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	longest = 5 * time.Minute  // after which the keys are fetched anew
	between = 30 * time.Second // at least, between two times for a kid that nobody knows
	leeway  = 10 * time.Second
)

var algorithms = []jose.SignatureAlgorithm{jose.EdDSA, jose.ES256}

// Claims is what the assertion says of who asks.
type Claims struct {
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"`
	Tier    string `json:"tier,omitempty"`
	Grant   string `json:"grant,omitempty"`
}

// keys are the public keys of Pagepass.
type keys struct {
	url       string
	client    http.Client
	mutex     sync.Mutex
	set       jose.JSONWebKeySet
	fetched   time.Time
	notBefore time.Time
}

func (k *keys) get(kid string) (*jose.JSONWebKey, error) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	now := time.Now()
	old := now.Sub(k.fetched) > longest
	if (old || len(k.set.Key(kid)) == 0) && !now.Before(k.notBefore) {
		k.notBefore = now.Add(time.Second) // should it fail
		set, err := k.fetch()
		if err != nil {
			return nil, err
		}
		k.set, k.fetched, k.notBefore, old = set, now, now.Add(between), false
	}
	found := k.set.Key(kid)
	if old || len(found) != 1 || !found[0].IsPublic() {
		return nil, errors.New("nobody knows this key")
	}
	return &found[0], nil
}

func (k *keys) fetch() (set jose.JSONWebKeySet, err error) {
	response, err := k.client.Get(k.url)
	if err != nil {
		return set, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return set, fmt.Errorf("the keys were answered with %s", response.Status)
	}
	return set, json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&set)
}

type verifier struct {
	keys            *keys
	issuer, service string
}

// whoAsks gives the claims of the one assertion that came with a request.
func (v *verifier) whoAsks(request *http.Request) (claims Claims, err error) {
	sent := request.Header.Values("X-Pagepass-Assertion")
	if len(sent) != 1 {
		return claims, errors.New("there is not exactly one assertion")
	}
	token, err := jwt.ParseSigned(sent[0], algorithms)
	if err != nil {
		return claims, err
	}
	header := token.Headers[0]
	if header.ExtraHeaders[jose.HeaderType] != "pagepass-assertion+jwt" {
		return claims, errors.New("it is of another type")
	}
	key, err := v.keys.get(header.KeyID)
	if err != nil {
		return claims, err
	}
	// What a key may verify is said by the key, never by the token.
	if header.Algorithm != key.Algorithm {
		return claims, errors.New("the key is for another algorithm")
	}
	var standard jwt.Claims
	if err := token.Claims(key.Key, &standard, &claims); err != nil {
		return claims, err
	}
	// The library takes a token without an expiry, and one that is for others as well.
	if standard.Expiry == nil || standard.Subject == "" {
		return claims, errors.New("it does not say until when, or who")
	}
	if len(standard.Audience) != 1 {
		return claims, errors.New("it is not for exactly one service")
	}
	expected := jwt.Expected{Issuer: v.issuer, AnyAudience: jwt.Audience{v.service}}
	return claims, standard.ValidateWithLeeway(expected, leeway)
}

type asking struct{}

// Who gives the claims of whoever asks, within a handler behind demand.
func Who(context context.Context) Claims { return context.Value(asking{}).(Claims) }

// demand lets nothing through to a handler that Pagepass does not vouch for.
func (v *verifier) demand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		claims, err := v.whoAsks(request)
		if err != nil {
			log.Printf("refused: %v", err)
			http.Error(response, `{"error":"no valid assertion"}`, http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(response, request.WithContext(context.WithValue(request.Context(), asking{}, claims)))
	})
}

func setting(name string) string {
	value := os.Getenv(name)
	if value == "" {
		log.Fatalf("%s is missing", name)
	}
	return value
}

func main() {
	published := &keys{url: setting("PAGEPASS_JWKS"), client: http.Client{Timeout: 5 * time.Second}}
	check := &verifier{keys: published, issuer: setting("PAGEPASS_ISSUER"), service: setting("PAGEPASS_SERVICE")}
	hello := http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		response.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(response).Encode(Who(request.Context()))
	})
	port := os.Getenv("PORT")
	if port == "" {
		port = "9001"
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on %s\n", listener.Addr())
	server := http.Server{Handler: check.demand(hello), ReadHeaderTimeout: 10 * time.Second}
	log.Fatal(server.Serve(listener))
}
