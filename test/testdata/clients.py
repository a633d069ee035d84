"""Calls a daemon by Python's xmlrpc.client and by supervisor.childutils, over
TCP and over its unix socket, and prints the answers without what differs from
run to run. Arguments: the TCP port and the path of the socket."""

import http.client
import re
import socket
import sys
import xmlrpc.client

from supervisor import childutils

port, path = sys.argv[1:]
volatile = {'now', 'start', 'stop', 'pid', 'description'}


def still(value):
    if isinstance(value, dict):
        return {k: type(v).__name__ if k in volatile else still(v) for k, v in sorted(value.items())}
    if isinstance(value, list):
        return [still(v) for v in value]
    if isinstance(value, str):
        return re.sub(r'-\w{8}\.log$', '-RANDOM.log', value)
    return value


def show(what, call):
    try:
        print('%s: %r' % (what, still(call())))
    except xmlrpc.client.Fault as e:
        print('%s: fault %d %r' % (what, e.faultCode, e.faultString))
    except xmlrpc.client.ProtocolError as e:
        print('%s: %d %s' % (what, e.errcode, e.errmsg))


class UnixConnection(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(path)


class UnixTransport(xmlrpc.client.Transport):
    def make_connection(self, host):
        host, self._extra_headers, _ = self.get_host_info(host)
        return UnixConnection(host)


def childs(url):
    return childutils.getRPCInterface({
        'SUPERVISOR_SERVER_URL': url, 'SUPERVISOR_USERNAME': 'me', 'SUPERVISOR_PASSWORD': 'secret'})


for name, proxy in [
    ('xmlrpc.client over TCP', xmlrpc.client.ServerProxy('http://me:secret@127.0.0.1:%s/RPC2' % port)),
    ('xmlrpc.client over unix', xmlrpc.client.ServerProxy('http://me:secret@localhost/RPC2', UnixTransport())),
    ('childutils over TCP', childs('http://127.0.0.1:' + port)),
    ('childutils over unix', childs('unix://' + path)),
]:
    s = proxy.supervisor
    print('==', name)
    show('state', s.getState)
    show('identification', s.getIdentification)
    show('all', s.getAllProcessInfo)
    show('one', lambda: s.getProcessInfo('web:a'))
    show('stop', lambda: s.stopProcess('alone'))
    show('stop again', lambda: s.stopProcess('alone'))
    show('start', lambda: s.startProcess('alone'))
    show('start without waiting', lambda: s.startProcess('alone', False))
    show('stdin', lambda: s.sendProcessStdin('alone', 'Grüße\n'))
    show('log', lambda: s.tailProcessStdoutLog('talks', 0, 500))
    show('bad name', lambda: s.startProcess('nobody'))
    show('too few', s.startProcess)
    show('unknown', lambda: s.launch('x'))
    show('signature', lambda: proxy.system.methodSignature('supervisor.startProcess'))
    show('multicall', lambda: proxy.system.multicall([
        {'methodName': 'supervisor.getProcessInfo', 'params': ['alone']},
        {'methodName': 'supervisor.stopProcess', 'params': ['web:b']},
        {'methodName': 'supervisor.startProcess', 'params': ['web:b']},
        {'methodName': 'supervisor.startProcess', 'params': ['nobody']}]))

for what, userinfo in [('no password', ''), ('wrong password', 'me:wrong@'), ('wrong user', 'you:secret@')]:
    show(what, xmlrpc.client.ServerProxy('http://%s127.0.0.1:%s/RPC2' % (userinfo, port)).supervisor.getState)
