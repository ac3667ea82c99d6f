# fmt: off
# ruff: noqa
import numpy as np

class Net(object):
    """weights carry the bias as last column; one sample at a time"""
    def __init__(self, nin, nhid, nout, eta):
        r = np.random.RandomState(1)
        self.V = r.uniform(-1, 1, (nhid, nin + 1))
        self.U = r.uniform(-1, 1, (nout, nhid + 1))
        self.eta = eta

    @staticmethod
    def act(a):
        return 1.0 / (1.0 + np.exp(-a))

    @staticmethod
    def act_prime(a):
        f = Net.act(a)
        return f * (1.0 - f)

    def predict(self, x):
        self.xin = np.append(x, 1.0)
        self.net1 = self.V.dot(self.xin)
        self.hid = np.append(self.act(self.net1), 1.0)
        self.net2 = self.U.dot(self.hid)
        self.out = self.act(self.net2)
        return self.out

    def learn(self, x, d):
        y = self.predict(x)
        e = d - y
        delta_o = e * self.act_prime(self.net2)
        back = self.U[:, :-1].T.dot(delta_o)
        delta_h = back * self.act_prime(self.net1)
        self.U = self.U + self.eta * np.outer(delta_o, self.hid)
        self.V = self.V + self.eta * np.outer(delta_h, self.xin)
        return 0.5 * np.sum(e ** 2)

net = Net(2, 2, 2, 0.5)
data = [([0, 0], [0.1, 0.3]), ([0, 1], [1, 0.2]), ([1, 0], [1, 0.7]), ([1, 1], [0, 0.9])]
for epoch in range(3):
    for x, d in data:
        net.learn(np.array(x), np.array(d))
result = [net.U, net.V]
