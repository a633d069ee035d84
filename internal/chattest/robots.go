package chattest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// mac returns the HMAC-SHA256 in base64.
func mac(key, message string) string {
	m := hmac.New(sha256.New, []byte(key))
	m.Write([]byte(message))
	return base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// Credentials of the fake services.
const (
	DingTalkToken  = "0123456789abcdef"
	DingTalkSecret = "SECtest"
	WeComKey       = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
	FeishuID       = "c9b4d2f8-hook"
	FeishuSecret   = "SECtest"
)

// NewDingTalk returns DingTalk with one robot that wants signed messages: 20 a
// minute, or it is blocked for 10 minutes.
func NewDingTalk() *Service {
	return &Service{
		ok: Reply{Body: `{"errcode":0,"errmsg":"ok"}`},
		rates: []rate{{
			n: 20, period: time.Minute, block: 10 * time.Minute,
			reply: Reply{Body: `{"errcode":130101,"errmsg":"send too fast, exceed 20 times per minute"}`},
		}},
		check: checkDingTalk,
	}
}

func checkDingTalk(r *http.Request, body []byte) *Reply {
	query := r.URL.Query()
	ms, err := strconv.ParseInt(query.Get("timestamp"), 10, 64)
	var m struct {
		Type string `json:"msgtype"`
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
		Markdown struct {
			Title string `json:"title"`
			Text  string `json:"text"`
		} `json:"markdown"`
		At struct {
			Mobiles []string `json:"atMobiles"`
			UserIDs []string `json:"atUserIds"`
		} `json:"at"`
	}
	bad := checkJSON(r, body, &m)
	said := m.Text.Content + m.Markdown.Text
	switch {
	case r.URL.Path != "/robot/send" || query.Get("access_token") != DingTalkToken:
		return &Reply{Body: `{"errcode":300005,"errmsg":"token is not exist"}`}
	case err != nil || time.Since(time.UnixMilli(ms)).Abs() > time.Hour:
		return &Reply{Body: `{"errcode":310000,"errmsg":"invalid timestamp"}`}
	case query.Get("sign") != mac(DingTalkSecret, query.Get("timestamp")+"\n"+DingTalkSecret):
		return &Reply{Body: `{"errcode":310000,"errmsg":"sign not match"}`}
	case len(body) > 20_000:
		return &Reply{Body: `{"errcode":460101,"errmsg":"message too long, exceed 20000 bytes"}`}
	case bad != nil:
		return &Reply{Body: sprintf(`{"errcode":40035,"errmsg":%s}`, bad)}
	case m.Type == "markdown" && (m.Markdown.Title == "" || m.Markdown.Text == ""), m.Type == "text" && m.Text.Content == "",
		m.Type != "markdown" && m.Type != "text":
		return &Reply{Body: `{"errcode":40035,"errmsg":"lack of parameter"}`}
	}
	for _, who := range append(m.At.Mobiles, m.At.UserIDs...) {
		if !strings.Contains(said, "@"+who) {
			return &Reply{Body: `{"errcode":40035,"errmsg":"test: a mention that is not in the text does nothing"}`}
		}
	}
	return nil
}

// NewWeCom returns WeCom with one robot: 20 messages a minute.
func NewWeCom() *Service {
	return &Service{
		ok: Reply{Body: `{"errcode":0,"errmsg":"ok"}`},
		rates: []rate{{
			n: 20, period: time.Minute,
			reply: Reply{Body: `{"errcode":45009,"errmsg":"api freq out of limit"}`},
		}},
		check: checkWeCom,
	}
}

func checkWeCom(r *http.Request, body []byte) *Reply {
	var m struct {
		Type string `json:"msgtype"`
		Text struct {
			Content string `json:"content"`
		} `json:"text"`
		Markdown struct {
			Content  string   `json:"content"`
			Mentions []string `json:"mentioned_list"`
		} `json:"markdown"`
	}
	bad := checkJSON(r, body, &m)
	switch {
	case r.URL.Path != "/cgi-bin/webhook/send" || r.URL.Query().Get("key") != WeComKey:
		return &Reply{Body: `{"errcode":93000,"errmsg":"invalid webhook url"}`}
	case bad != nil:
		return &Reply{Body: sprintf(`{"errcode":40008,"errmsg":%s}`, bad)}
	case m.Type == "markdown" && m.Markdown.Content != "" && m.Markdown.Mentions == nil:
		if len(m.Markdown.Content) > 4096 {
			return &Reply{Body: `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096. invalid Request Parameter"}`}
		}
	case m.Type == "text" && m.Text.Content != "":
		if len(m.Text.Content) > 2048 {
			return &Reply{Body: `{"errcode":40058,"errmsg":"text.content exceed max length 2048. invalid Request Parameter"}`}
		}
	default:
		return &Reply{Body: `{"errcode":40008,"errmsg":"invalid message type"}`}
	}
	return nil
}

// NewFeishu returns Feishu with one robot that wants signed messages: 100 a
// minute and 5 a second.
func NewFeishu() *Service {
	often := Reply{Body: `{"code":11232,"msg":"frequency limited","data":{}}`}
	return &Service{
		ok:    Reply{Body: `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`},
		rates: []rate{{n: 5, period: time.Second, reply: often}, {n: 100, period: time.Minute, reply: often}},
		check: checkFeishu,
	}
}

func checkFeishu(r *http.Request, body []byte) *Reply {
	var m struct {
		Timestamp string `json:"timestamp"`
		Sign      string `json:"sign"`
		Type      string `json:"msg_type"`
		Content   struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	bad := checkJSON(r, body, &m)
	seconds, err := strconv.ParseInt(m.Timestamp, 10, 64)
	switch {
	case r.URL.Path != "/open-apis/bot/v2/hook/"+FeishuID:
		return &Reply{Body: `{"code":19001,"msg":"param invalid: incoming webhook access token invalid","data":{}}`}
	case bad != nil || len(body) > 20<<10 || m.Type != "text" || m.Content.Text == "":
		return &Reply{Body: sprintf(`{"code":9499,"msg":%s,"data":{}}`, errors.Join(errors.New("bad request"), bad))}
	case err != nil || time.Since(time.Unix(seconds, 0)).Abs() > time.Hour || m.Sign != mac(m.Timestamp+"\n"+FeishuSecret, ""):
		return &Reply{Body: `{"code":19021,"msg":"sign match fail or timestamp is not within one hour from current time","data":{}}`}
	}
	return nil
}

// chars returns the length of a text in UTF-16 units.
func chars(s string) int { return len(utf16.Encode([]rune(s))) }

// field returns a text in a JSON object, by its path.
func field(body []byte, path ...string) string {
	var v any
	if json.Unmarshal(body, &v) != nil {
		return ""
	}
	for _, name := range path {
		object, ok := v.(map[string]any)
		if !ok {
			return ""
		}
		v = object[name]
	}
	s, _ := v.(string)
	return s
}
