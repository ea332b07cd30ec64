// A service in the middle of a call chain, in Go (1.21 or later): it verifies the token that it is called with, exchanges it
// for one for the next service, and calls that one on behalf of its caller. Without NEXT it is the last of the chain.

package main

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

var (
	tokenServer = os.Getenv("TOKEN_SERVER")
	audience    = os.Getenv("AUDIENCE")
	target      = os.Getenv("TARGET")
	next        = os.Getenv("NEXT")
)

// snippet: go
type known struct {
	token string
	until time.Time
}

var (
	mutex     sync.Mutex
	exchanged = map[[32]byte]known{}
)

// A token for the next service, in the place of the caller's.
func onBehalfOf(token string) (string, error) {
	key := sha256.Sum256([]byte(token))
	mutex.Lock()
	found := exchanged[key]
	mutex.Unlock()
	if found.until.After(time.Now()) {
		return found.token, nil
	}
	form := url.Values{
		"grant_type":         {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token":      {token},
		"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		"audience":           {target},
	}
	request, err := http.NewRequest("POST", tokenServer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(url.QueryEscape(os.Getenv("CLIENT_ID")), url.QueryEscape(os.Getenv("CLIENT_SECRET")))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	var answer struct {
		AccessToken      string `json:"access_token"`
		ExpiresIn        int    `json:"expires_in"`
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return "", err
	}
	if response.StatusCode != 200 {
		return "", fmt.Errorf("%s: %s", answer.Error, answer.ErrorDescription)
	}
	mutex.Lock()
	defer mutex.Unlock()
	// Some other one goes, so that the memory has a bound.
	for other := range exchanged {
		if len(exchanged) < 10_000 {
			break
		}
		delete(exchanged, other)
	}
	until := time.Now().Add(time.Duration(answer.ExpiresIn-10) * time.Second)
	exchanged[key] = known{answer.AccessToken, until}
	return answer.AccessToken, nil
}

// end

func get(address, token string) (int, []byte, error) {
	request, err := http.NewRequest("GET", address, nil)
	if err != nil {
		return 0, nil, err
	}
	request.Header.Set("Authorization", "Bearer "+token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

func answer(request *http.Request) (int, []byte, error) {
	token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	status, body, err := get(tokenServer+"/verify?audience="+url.QueryEscape(audience), token)
	if err != nil || status != 200 || next == "" {
		return status, body, err
	}
	own, err := onBehalfOf(token)
	if err != nil {
		return 0, nil, err
	}
	return get(next, own)
}

func main() {
	http.HandleFunc("/", func(writer http.ResponseWriter, request *http.Request) {
		status, body, err := answer(request)
		if err != nil {
			status = 502
			body, _ = json.Marshal(map[string]string{"error": err.Error()})
		}
		writer.Header().Set("Content-Type", "application/json")
		writer.WriteHeader(status)
		writer.Write(body)
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		panic(err)
	}
	fmt.Println("ready")
	panic(http.Serve(listener, nil))
}
