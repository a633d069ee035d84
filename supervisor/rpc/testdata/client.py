"""Talk to a supervisord by the clients that Python and Supervisor bring."""
import socket
import sys
import xmlrpc.client

from supervisor import childutils
from supervisor.xmlrpc import SupervisorTransport


class Transport(xmlrpc.client.Transport):
    """xmlrpc.client's own transport, over a unix socket."""

    def make_connection(self, host):
        connection = super().make_connection(host)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(sys.argv[1])
        return connection


def show(name, call, *args):
    try:
        result = call(*args)
    except Exception as error:
        result = repr(error)
    print(name, args, result)


url = 'unix://' + sys.argv[1]
for name, proxy in (
    ('xmlrpc.client', xmlrpc.client.ServerProxy('http://localhost', transport=Transport())),
    ('SupervisorTransport', xmlrpc.client.ServerProxy('http://127.0.0.1', transport=SupervisorTransport(serverurl=url))),
    ('childutils', childutils.getRPCInterface({'SUPERVISOR_SERVER_URL': url})),
):
    print(name)
    show('getState', proxy.supervisor.getState)
    show('getPID', proxy.supervisor.getPID)
    show('startProcess', proxy.supervisor.startProcess, 'g:solo')
    show('startProcess', proxy.supervisor.startProcess, 'g:solo')
    show('getAllProcessInfo', proxy.supervisor.getAllProcessInfo)
    show('stopProcess', proxy.supervisor.stopProcess, 'g:solo', True)
    show('getAllConfigInfo', proxy.supervisor.getAllConfigInfo)
    show('startProcessGroup', proxy.supervisor.startProcessGroup, 'missing', False)
    show('tailProcessStdoutLog', proxy.supervisor.tailProcessStdoutLog, 'cat', 0, 20)
    show('readLog', proxy.supervisor.readLog, 0, 4)
    show('reloadConfig', proxy.supervisor.reloadConfig)
    show('sendRemoteCommEvent', proxy.supervisor.sendRemoteCommEvent, 'kind', 'data')
    show('nothing', proxy.supervisor.nothing)
    show('listMethods', proxy.system.listMethods)
    show('methodSignature', proxy.system.methodSignature, 'supervisor.startProcess')
    show('multicall', proxy.system.multicall, [
        {'methodName': 'supervisor.getAPIVersion', 'params': []},
        {'methodName': 'supervisor.nothing', 'params': []},
    ])
