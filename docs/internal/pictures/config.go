package main

// config is the configuration of the supervisord whose programs fail. DIR is
// the folder, SERVICES the URL of the chat services, SMTP and ALERTS are where
// the mail server and Alertmanager are.
const config = `
[supervisord]
logfile=DIR/supervisord.log
pidfile=DIR/supervisord.pid
childlogdir=DIR

[unix_http_server]
file=DIR/s.sock

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[program:web]
command=/bin/sh -c 'echo GET /cart 200; echo GET /checkout 500; sleep 2; echo connect to postgres://shop:hunter2@db/shop: too many connections; kill -SEGV $$'
startsecs=1
autorestart=false
redirect_stderr=true

[program:mailer]
command=/bin/sh -c 'echo cannot open /etc/mailer.yml: no such file; exit 3'
startsecs=1
startretries=0
redirect_stderr=true

[program:shop]
command=/bin/sleep 1000

[program:report]
command=/usr/bin/perl -e '$x = "x" x 300_000_000; sleep 1000'

[program:search]
command=/bin/sh -c 'sleep 3; touch DIR/search.oom; sleep 1000'

[eventlistener:slack]
command=slackalert -p web --spool DIR/spool --webhook-url SERVICES/slack --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/slack.err

[eventlistener:dingtalk]
command=dingtalkalert -p web --spool DIR/spool --base-url SERVICES/dingtalk --token t --label site=north --at-mobile 13800000000
events=PROCESS_STATE
stderr_logfile=DIR/dingtalk.err

[eventlistener:wechat]
command=wechatalert -p web --spool DIR/spool --base-url SERVICES/wechat --key k --label site=north --mention zhangsan
events=PROCESS_STATE
stderr_logfile=DIR/wechat.err

[eventlistener:feishu]
command=feishualert -p web --spool DIR/spool --base-url SERVICES/feishu --hook h --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/feishu.err

[eventlistener:teams]
command=webhookalert -p web --spool DIR/spool --preset teams --url SERVICES/teams --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/teams.err

[eventlistener:discord]
command=webhookalert -p web --spool DIR/spool --preset discord --url SERVICES/discord --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/discord.err

[eventlistener:telegram]
command=webhookalert -p web --spool DIR/spool --preset telegram --url SERVICES/telegram --param token=t --param chat_id=-100123 --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/telegram.err

[eventlistener:ntfy]
command=webhookalert -p web --spool DIR/spool --preset ntfy --url SERVICES/ntfy --param topic=ops --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/ntfy.err

[eventlistener:pagerduty]
command=webhookalert -p web --spool DIR/spool --preset pagerduty --url SERVICES/pagerduty --param routing_key=k --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/pagerduty.err

[eventlistener:alertmanager]
command=alertmanageralert -a --spool DIR/spool --url ALERTS --label site=north
events=PROCESS_STATE
stderr_logfile=DIR/alertmanager.err

[eventlistener:crashmail]
command=crashmail -p web --spool DIR/spool -m ops@example.com --smtp-host SMTP --from crashmail@shop1.example.com
events=PROCESS_STATE
stderr_logfile=DIR/crashmail.err

[eventlistener:crashmailbatch]
command=crashmailbatch --spool=DIR/spool --toEmail=ops@example.com --fromEmail=crashmailbatch@shop1.example.com --smtpHost=SMTP --interval=0.05 --tickEvent=TICK_5
events=PROCESS_STATE,TICK_5
stderr_logfile=DIR/crashmailbatch.err

[eventlistener:fatalmailbatch]
command=fatalmailbatch --spool=DIR/spool --toEmail=ops@example.com --fromEmail=fatalmailbatch@shop1.example.com --smtpHost=SMTP --interval=0.05 --tickEvent=TICK_5
events=PROCESS_STATE,TICK_5
stderr_logfile=DIR/fatalmailbatch.err

[eventlistener:crashsms]
command=crashsms --spool=DIR/spool --toEmail=5551234567@txt.example.com --fromEmail=crashsms@shop1.example.com --smtpHost=SMTP --interval=0.05 --tickEvent=TICK_5 --max-length=160
events=PROCESS_STATE,TICK_5
stderr_logfile=DIR/crashsms.err

[eventlistener:httpok]
command=httpok -p shop --spool DIR/spool -m ops@example.com --smtp-host SMTP --from httpok@shop1.example.com SERVICES/health
events=TICK_5
stderr_logfile=DIR/httpok.err

[eventlistener:memmon]
command=memmon --spool DIR/spool -p report=200MB -m ops@example.com --smtp-host SMTP --from memmon@shop1.example.com
events=TICK_5
stderr_logfile=DIR/memmon.err

[eventlistener:oommon]
command=oommon --spool DIR/spool -p search --sentinel DIR/search.oom -m ops@example.com --smtp-host SMTP --from oommon@shop1.example.com
events=PROCESS_STATE_EXITED,TICK_5
stderr_logfile=DIR/oommon.err
`
