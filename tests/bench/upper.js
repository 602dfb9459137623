// SPDX-License-Identifier: ISC
// JavaScript's toUpperCase in Node.js as a contender: see contender.h.
'use strict';
const {isUtf8} = require('buffer');
const fs = require('fs');
const readline = require('readline');

const about = `Node.js ${process.versions.node}, ` +
    `Unicode ${process.versions.unicode}: `;

const contenders = {
    'node': {
        counted: about + 'Buffer to string, toUpperCase and to Buffer, ' +
            'UTF-8 to UTF-8',
        prepare: (pieces) => pieces,
        measure(pieces) {
            let length = 0;
            for (const piece of pieces)
                length += this.convert(piece).length;
            return length;
        },
        convert: (piece) => Buffer.from(piece.toString().toUpperCase()),
    },
    'node-str': {
        counted: about + 'toUpperCase, string to string, conversions ' +
            'not counted',
        // A string holds no bad bytes: null refuses them.
        prepare: (pieces) => pieces.every((piece) => isUtf8(piece)) ?
            pieces.map((piece) => piece.toString()) : null,
        measure(pieces) {
            let length = 0;
            for (const piece of pieces)
                length += piece.toUpperCase().length;
            return length;
        },
        convert: (piece) => piece.toUpperCase(),
    },
};

let pieces = [], total = 0, native = {};

function load(path, cuts) {
    const text = fs.readFileSync(path);
    let begin = 0;
    pieces = fs.readFileSync(cuts, 'ascii').trim().split('\n').map((line) => {
        const piece = text.subarray(begin, Number(line));
        begin = Number(line);
        return piece;
    });
    total = text.length;
    native = {};
    return 'loaded';
}

function measure(contender, texts, least) {
    let bytes = 0, length = 0, spent;
    const begin = process.hrtime.bigint();
    do {
        length += contender.measure(texts);
        bytes += total;
        spent = process.hrtime.bigint() - begin;
    } while (spent < least);
    return `${bytes}\t${spent}\t${length}`;
}

function writeAnswer(contender, texts, path) {
    const answers = texts.map((piece) => Buffer.from(contender.convert(piece)));
    fs.writeFileSync(path, Buffer.concat(answers));
    return 'written';
}

function serve(line) {
    const [verb, first, second] = line.split('\t');
    if (verb === 'load')
        return load(first, second);
    const contender = contenders[first];
    if (!(first in native))
        native[first] = contender.prepare(pieces);
    if (native[first] === null)
        return 'refused';
    if (verb === 'time')
        return measure(contender, native[first], BigInt(second));
    return writeAnswer(contender, native[first], second);
}

for (const [name, contender] of Object.entries(contenders))
    console.log(`${name}\t${contender.counted}`);
console.log('ready');
readline.createInterface({input: process.stdin})
    .on('line', (line) => console.log(serve(line)));
