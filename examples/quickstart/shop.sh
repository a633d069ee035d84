#!/bin/sh
# Sells something each second, until it runs out of luck after a few of them.
customers=$(($$ % 4 + 3))
for customer in $(seq "$customers"); do
	echo "shop: serving customer $customer"
	sleep 1
done
echo "shop: the till is on fire" >&2
exit 3
