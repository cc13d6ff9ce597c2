// SPDX-License-Identifier: Apache-2.0
// A server of one event loop; told so, it computes and answers nobody.
const net = require("net");
const readline = require("readline");

function computeReport() {
    const end = Date.now() + 2000;
    let sum = 0;
    while (Date.now() < end) for (let i = 0; i < 100000; i++) sum += Math.sqrt(i);
    return sum;
}

net.createServer((client) => {
    client.on("data", (question) => client.write(question));
    client.on("error", () => client.destroy());
}).listen(process.argv[2], () => console.log("ready"));
readline.createInterface({ input: process.stdin }).on("line", () => {
    computeReport();
    console.log("thawed");
});
