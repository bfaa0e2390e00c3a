import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { stringify } from 'yaml'
import { readYaml, type YamlSource } from '#access/rules/yaml/read-yaml.ts'

const faultsOf = (given: Uint8Array | string): string[] => {
  const read = readYaml(given)
  return read.ok ? [] : read.faults.map(({ line, column, what }) => `${line}:${column} ${what}`)
}

const sourceOf = (given: Uint8Array | string): YamlSource => {
  const read = readYaml(given)
  if (!read.ok) throw new Error(faultsOf(given).join('\n'))
  return read.source
}

const readValue = (given: Uint8Array | string): unknown => sourceOf(given).value

describe('A sound file', () => {
  test('is read as plain data: the repository’s own rule set', () => {
    expect(readValue(readFileSync(new URL('../../../../access.yaml', import.meta.url)))).toMatchObject({
      version: 1,
      environment: 'sandbox',
      profiles: { web: { tiers: { admin: ['* /**'] } } },
    })
  })

  test.each<[string, string, unknown]>([
    [
      'yes, no, on, off, y and n are texts',
      'on: [yes, no, off, y, n]',
      { on: ['yes', 'no', 'off', 'y', 'n'] },
    ],
    [
      'times, dates, addresses and versions are texts',
      'a: [12:30, 2026-01-31, 10.0.0.1, 1.2.3, 1-2]',
      {
        a: ['12:30', '2026-01-31', '10.0.0.1', '1.2.3', '1-2'],
      },
    ],
    [
      'plain numbers and booleans are what they say',
      'a: [0, 15, -3, 0.5, true, false]',
      {
        a: [0, 15, -3, 0.5, true, false],
      },
    ],
    [
      'what is quoted is text',
      `a: ["12", 'true', "null", "", '0x1f']`,
      { a: ['12', 'true', 'null', '', '0x1f'] },
    ],
    ['quoted keys are names', '"12": a\n"true": b', { 12: 'a', true: 'b' }],
    [
      'texts may run over lines',
      'a: |\n  b\n  c\nd: >\n  e\n  f\ng: h\n  i',
      { a: 'b\nc\n', d: 'e f\n', g: 'h i' },
    ],
    ['one "---" may lead', '---\na: 1', { a: 1 }],
    [
      'comments and empty lines stand anywhere',
      '# a\n\na: # b\n\n  # c\n  - d # e\n# f\n  - g\n',
      { a: ['d', 'g'] },
    ],
    ['a comment may hold what joins emojis', 'a: 1 # \u{1F469}\u200D\u{1F4BB} \u00A0', { a: 1 }],
    ['a byte order mark and CRLF are accepted', '\uFEFFa: 1\r\nb:\r\n  - c\r\n', { a: 1, b: ['c'] }],
    ['32 levels are not too deep', `${'['.repeat(31)}x${']'.repeat(31)}`, undefined],
  ])('%s', (_, text, value) => {
    if (value === undefined) expect(faultsOf(text)).toEqual([])
    else expect(readValue(text)).toEqual(value)
    expect(faultsOf(Buffer.from(text))).toEqual([])
  })

  test('holds objects without a prototype', () => {
    const { a } = readValue('a: { b: 1 }') as { a: object }
    expect(Object.getPrototypeOf(a)).toBeNull()
  })
})

const tooMany = 'the file says more than 50000 things up to here; split it or shorten it'
const tooDeep = 'nested more than 32 levels deep; flatten it'
const notAligned = 'this is not indented like what it belongs to; begin it in column'
const neighbours = ', like its neighbours'
const secondColon =
  'this text holds a second ": "; write that on its own line, indented like its neighbours, or put the text in quotes'

describe('A fault is told with its place and its mend', () => {
  test.each<[string, string, string[]]>([
    ['nothing', '', ['1:1 the file is empty; begin with "version: 1"']],
    ['comments only', '# version: 1\n\n', ['1:1 the file is empty; begin with "version: 1"']],
    ['a mark only', '---\n', ['1:1 the file is empty; begin with "version: 1"']],
    [
      'a pattern in a list',
      'a: [GET /**, * /**]',
      ['1:14 a text that begins with "*" needs quotes; quote it: "* /**"'],
    ],
    [
      'a pattern on a line',
      '- * /v1/**  # all',
      ['1:3 a text that begins with "*" needs quotes; quote it: "* /v1/**"'],
    ],
    ['a star', 'services: [*]', ['1:12 a text that begins with "*" needs quotes; quote it: "*"']],
    [
      'a domain',
      'a: *.example.com',
      ['1:4 a text that begins with "*" needs quotes; quote it: "*.example.com"'],
    ],
    [
      'an anchor and its alias',
      'a: &b { c: 1 }\nd: *b',
      [
        '1:4 "&b" is an anchor, and anchors are not read; leave it out; a text goes in quotes',
        '2:4 "*b" is an alias, and aliases are not read; write out what it stands for; a text goes in quotes',
      ],
    ],
    [
      'a merge of an alias',
      'a:\n  <<: *b',
      ['2:7 "*b" is an alias, and aliases are not read; write out what it stands for; a text goes in quotes'],
    ],
    [
      'a merge',
      'a:\n  <<: { b: 1 }',
      ['2:3 "<<" merges nothing here; write it out, or use a profile to share'],
    ],
    [
      'tags',
      'a: !!binary aGk=\nb: !foo [c]\nd: !!timestamp 2026-01-31',
      [
        '1:4 "!!binary" is a tag, and tags are not read; remove it; a text goes in quotes',
        '2:4 "!foo" is a tag, and tags are not read; remove it; a text goes in quotes',
        '3:4 "!!timestamp" is a tag, and tags are not read; remove it; a text goes in quotes',
      ],
    ],
    [
      'two documents',
      'a: 1\n---\nb: 1',
      ['2:1 a second document begins here; keep one document in a file, and remove the line "---"'],
    ],
    ['the mark of an end', 'a: 1\n...\n', ['2:1 this ends the document; remove the line "..."']],
    [
      'directives',
      '%YAML 1.1\n%TAG ! x:\n---\na: 1',
      ['1:1 "%YAML 1.1" is not read; remove the line', '2:1 "%TAG ! x:" is not read; remove the line'],
    ],
    [
      'a key twice',
      's:\n  orders-svc: 1\n  a: 2\n  "orders-svc": 3',
      ['4:3 the key "orders-svc" stands twice, first at line 2; keep one'],
    ],
    [
      'a key twice in braces',
      'a: { b: 1, b: 2 }',
      ['1:12 the key "b" stands twice, first at line 1; keep one'],
    ],
    [
      'nothing said',
      'a: 1\nowners:\nb: ~\nc: [null, d]\ne:\n  - f\n  -\ng: { h }',
      [
        '2:1 nothing is said for "owners"; write a value behind it, or leave it out',
        '3:1 nothing is said for "b"; write a value behind it, or leave it out',
        '4:5 item 1 of this list says nothing; write it, or remove it',
        '7:4 item 2 of this list says nothing; write it, or remove it',
        '8:6 nothing is said for "h"; write a value behind it, or leave it out',
      ],
    ],
    [
      'keys that are no names',
      '12: a\ntrue: b\nnull: c\n0x1f: d\n: e\n[f]: g\n{ h: i }: j',
      [
        '1:1 the key 12 must be a name; write "12" in quotes',
        '2:1 the key true must be a name; write "true" in quotes',
        '3:1 the key null must be a name; write "null" in quotes',
        '4:1 the key 0x1f must be a name; write "0x1f" in quotes',
        '5:1 a name is missing before ":"; write it',
        '6:1 a key must be a name, not a list or map; if "[" or "{" begins a text, put the text in quotes',
        '7:1 a key must be a name, not a list or map; if "[" or "{" begins a text, put the text in quotes',
      ],
    ],
    [
      'templates of several kinds, and nothing else until they are filled in',
      'a: {{ b }}\nc: %D%\n{% if e %}\nf: { g: http://\x24{H}:80 }\nc: i\n\tj: k',
      [
        '1:4 the template "{{ b }}" was left in; fill it in first',
        '3:1 the template "{% if e %}" was left in; fill it in first',
        '4:16 the template "\x24{H}" was left in; fill it in first',
      ],
    ],
    [
      'templates that begin with marks',
      'a: %B%\nc: @D@',
      [
        '1:4 the template "%B%" was left in; fill it in first',
        '2:4 the template "@D@" was left in; fill it in first',
      ],
    ],
    [
      'a conflict',
      'a: 1\r\n<<<<<<< HEAD\r\nb: 1\r\n=======\r\nb: *\r\n>>>>>>> main\r\n<<<<<<<\r\n',
      ['2:1 a conflict left by git; settle it first', '7:1 a conflict left by git; settle it first'],
    ],
    ['half a conflict', 'b: 1\n>>>>>>> main', ['2:1 a conflict left by git; settle it first']],
    [
      'a channel without quotes',
      'a: #inc-orders\nb:\n  - #c\n  - d\ne: # f\ng: #h i # j',
      [
        '1:1 "#" begins a comment, so nothing is said for "a"; write a: "#inc-orders"',
        '3:5 "#" begins a comment, so item 1 of this list says nothing; write - "#c"',
        '5:1 nothing is said for "e"; write a value behind it, or leave it out',
        '6:1 "#" begins a comment, so nothing is said for "g"; write g: "#h i"',
      ],
    ],
    [
      'a channel without quotes in braces',
      'a: { b: #inc-orders, c: d }\ne: f',
      ['1:9 "#" begins a comment, and with it goes the "}" behind it; write "#inc-orders", in quotes'],
    ],
    [
      'keys that every object has',
      '__proto__: { a: 1 }\n"constructor": b\nprototype: c',
      [
        `1:1 the key "__proto__" can't be used; choose another name`,
        `2:1 the key "constructor" can't be used; choose another name`,
        `3:1 the key "prototype" can't be used; choose another name`,
      ],
    ],
    [
      'booleans in large letters',
      'a: True\nb: FALSE',
      [
        '1:4 write true, in small letters, or "True" in quotes if it is a name',
        '2:4 write false, in small letters, or "FALSE" in quotes if it is a name',
      ],
    ],
    [
      'a number too large',
      'a: 9007199254740993',
      ['1:4 9007199254740993 is too large for a number; write it in quotes if it is a name'],
    ],
    ['a tab', 'a:\n\tb: 1', ['2:1 indent with spaces, not tabs']],
    ['a tab among spaces', 'a:\n  b: 1\n  \tc: 2', ['3:3 indent with spaces, not tabs']],
    ['a tab in brackets', 'a: [\n\tb]', ['2:1 indent with spaces, not tabs']],
    ['a tab below a bar', 'a: |\n\tb', ['2:1 indent with spaces, not tabs']],
    ['a tab behind a dash', '-\ta: b', ['1:2 indent with spaces, not tabs']],
    ['an open double quote', 'a: "b\nc: d\ne:', ['1:4 this text is never closed; put " at its end']],
    ['an open single quote', "a: 'it''\nc: d", ["1:4 this text is never closed; put ' at its end"]],
    [
      'an open bracket',
      'a: [b, c\nd: e',
      ['1:4 this "[" is never closed; add "]", or indent its lines below its key'],
    ],
    [
      'brackets crossed',
      'a: [b, { c: d]}',
      ['1:14 this "]" stands where "{" waits for its "}"; write "}" first'],
    ],
    ['a bracket too many', 'a: b\n]', ['2:1 this "]" closes nothing; remove it, or put the text in quotes']],
    ['two commas', 'a: [b,, c]', ['1:7 two commas in a row; remove one, or write what belongs between them']],
    [
      'a dash in brackets',
      'a: [- b]',
      ['1:5 no "-" within [ ] or { }; remove it, or put the text in quotes'],
    ],
    [
      'two colons in braces',
      'a: { b: c: d }',
      ['1:10 a second ":" follows the first; write a "," between, or put the text in quotes'],
    ],
    ['two colons on a line', 'a: b: c', [`1:4 ${secondColon}`]],
    [
      'a line too far in',
      'a:\n  b: 1\n   c: 2',
      [
        '3:4 indented this far, the line goes on with the text above it; begin it in column 3, like its neighbours',
      ],
    ],
    ['a line too far in behind quotes', 'a:\n  b: "1"\n   c: 2', [`3:4 ${notAligned} 3${neighbours}`]],
    [
      'a line too far in behind a comment',
      'a:\n  - b: [1]\n     # c\n\n     d: 2',
      [`5:6 ${notAligned} 5${neighbours}`],
    ],
    ['a line between a dash and a name', 'a:\n  - b: 1\n   c: 2', [`3:4 ${notAligned} 3 or 5${neighbours}`]],
    [
      'a dash forgotten',
      'a:\n  - b\n  c: d',
      ['3:3 its neighbours begin with "- "; put that before it, or indent it further'],
    ],
    [
      'a dash among keys',
      'a:\n  b: c\n  - d',
      ['3:1 a "-" begins a list, and its neighbours are keys; write the key of the list above it'],
    ],
    ['a line too far out', 'a:\n  b: 1\n c: 2', [`3:2 ${notAligned} 1 or 3${neighbours}`]],
    ['a key without a colon', 'a: b\nc\nd: e', ['2:1 a ": " is missing in "c"; add it behind the name']],
    [
      'a colon forgotten',
      'serve blue\nc: d',
      ['1:1 a ": " is missing in "serve blue"; add it behind the name'],
    ],
    ['a colon without a space', 'a:b\nc: d', ['1:1 put a space after ":"; write a: b']],
    ['a colon without a space at the end', 'c: d\na:b', ['2:1 put a space after ":"; write a: b']],
    ['a colon without a space in braces', 'c: { a:b }', ['1:6 put a space after ":"; write a: b']],
    [
      'marks that begin no text',
      'a: @b\nc: `d`\ne: %f',
      [
        `1:4 a text can't begin with "@"; leave that out, or put the text in quotes`,
        `2:4 a text can't begin with "\`"; put it in quotes`,
        `3:4 a text can't begin with "%"; put it in quotes`,
      ],
    ],
    [
      'a backslash',
      'a: "\\d+"',
      ['1:5 "\\\\d" means nothing within double quotes; write "\\\\" for a backslash, or use single quotes'],
    ],
    ['a comment without a space', 'a: "b"#c', ['1:7 put a space before "#", or put the text in quotes']],
    [
      'an apostrophe',
      "a: 'sre's team'",
      [
        '1:9 "s team\'" does not belong here; remove it, indent it like its neighbours, or put the whole text in quotes',
      ],
    ],
    [
      'a list behind its key',
      'a: - b',
      [
        '1:4 "- b" does not belong here; remove it, indent it like its neighbours, or put the whole text in quotes',
      ],
    ],
    ['33 levels', `${'['.repeat(33)}${']'.repeat(33)}`, [`1:33 ${tooDeep}`]],
    ['many lines', '\n'.repeat(100_001), ['1:1 the file has more than 100000 lines; split it or shorten it']],
    ['many values', `[${'a,'.repeat(60_000)}]`, [`1:100000 ${tooMany}`]],
    [
      'a large file',
      `#${' '.repeat(1024 * 1024)}`,
      ['1:1 the file is larger than 1 MiB; split it or shorten it'],
    ],
    [
      'a large file of wide letters',
      `#${'é'.repeat(512 * 1024)}`,
      ['1:1 the file is larger than 1 MiB; split it or shorten it'],
    ],
  ])('%s', (_, text, faults) => {
    expect(faultsOf(text)).toEqual(faults)
  })

  test.each([
    ['0o17', '15'],
    ['0x1f', '31'],
    ['1e3', '1000'],
    ['1_000', '1000'],
    ['007', '7'],
    ['+5', '5'],
    ['-0', '0'],
    ['.5', '0.5'],
    ['-0x1F', '-31'],
    ['0b101', '5'],
  ])('the number %s, which is %s', (written, plain) => {
    expect(faultsOf(`a: ${written}`)).toEqual([
      `1:4 ${written} is an unusual way to write a number; write ${plain}, in plain digits, or put it in quotes if it is a name`,
    ])
    expect(readValue(`a: "${written}"`)).toEqual({ a: written })
  })

  test.each(['.inf', '-.INF', '.nan', '1e400', '1e30'])('the number %s, which no digits say', (written) => {
    expect(faultsOf(`a: ${written}`)).toEqual([
      `1:4 ${written} is an unusual way to write a number; write a number in plain digits, or put it in quotes if it is a name`,
    ])
  })

  test('an empty file, with what it is to begin with', () => {
    expect(readYaml('# to come', 'services:')).toEqual({
      ok: false,
      faults: [{ line: 1, column: 1, what: 'the file is empty; begin with "services:"' }],
    })
  })

  test('all at once, in the order of the file', () => {
    expect(faultsOf('a: [* /**]\nb: 0x1f\nc: !x y\nd: 1\nd: 2\n')).toEqual([
      '1:5 a text that begins with "*" needs quotes; quote it: "* /**"',
      '2:4 0x1f is an unusual way to write a number; write 31, in plain digits, or put it in quotes if it is a name',
      '3:4 "!x" is a tag, and tags are not read; remove it; a text goes in quotes',
      '5:1 the key "d" stands twice, first at line 4; keep one',
    ])
  })

  test('at most a hundred times', () => {
    const faults = faultsOf('- ~\n'.repeat(250))
    expect(faults).toHaveLength(101)
    expect(faults.at(-1)).toBe('101:3 and 150 more')
  })
})

describe('Characters that deceive ("Trojan Source", CVE-2021-42574)', () => {
  const turning = 'an invisible character that turns the direction of writing; delete it'
  test.each<[string, string, string]>([
    ['\u0000', 'U+0000', 'a control character; delete it'],
    ['\u001B', 'U+001B', 'a control character; delete it'],
    ['\u007F', 'U+007F', 'a control character; delete it'],
    ['\r', 'U+000D', 'a carriage return without a line feed; save the file with line ends LF or CRLF'],
    ['\u0085', 'U+0085', 'an unusual line end; write a plain one'],
    ['\u2028', 'U+2028', 'an unusual line end; write a plain one'],
    ['\u2029', 'U+2029', 'an unusual line end; write a plain one'],
    ['\u061C', 'U+061C', turning],
    ['\u200E', 'U+200E', turning],
    ['\u200F', 'U+200F', turning],
    ['\u202A', 'U+202A', turning],
    ['\u202E', 'U+202E', turning],
    ['\u2066', 'U+2066', turning],
    ['\u2069', 'U+2069', turning],
  ])('are refused in comments too: %j', (character, point, mend) => {
    expect(faultsOf(`a: 1\nb: x${character}y`)).toEqual([`2:5 ${point} is ${mend}`])
    expect(faultsOf(`a: 1 # x${character}y`)).toEqual([`1:9 ${point} is ${mend}`])
  })

  test.each<[string, string, string]>([
    ['\u200B', 'U+200B', 'an invisible character; delete it'],
    ['\u200D', 'U+200D', 'an invisible character; delete it'],
    ['\u2060', 'U+2060', 'an invisible character; delete it'],
    ['\u00AD', 'U+00AD', 'an invisible character; delete it'],
    ['\uFEFF', 'U+FEFF', 'an invisible character; delete it'],
    ['\u3164', 'U+3164', 'an invisible character; delete it'],
    ['\u{E0041}', 'U+E0041', 'an invisible character; delete it'],
    ['\u00A0', 'U+00A0', 'a non-breaking space; write a plain space'],
    ['\u3000', 'U+3000', 'an unusual space; write a plain space'],
  ])('are refused outside comments: %j', (character, point, mend) => {
    expect(faultsOf(`a: 1\nb: x${character}y # ${character}`)).toEqual([`2:5 ${point} is ${mend}`])
    expect(faultsOf(`"x${character}y": 1`)).toEqual([`1:3 ${point} is ${mend}`])
    expect(readValue(`a: 1 # x${character}y`)).toEqual({ a: 1 })
  })

  test('are refused when an escape hides them', () => {
    expect(faultsOf('"a\\u202E": 1\nb: "\\0"\nc: "\\uD800"')).toEqual([
      "1:1 an escape here stands for U+202E, which can't be seen; leave it out",
      "2:4 an escape here stands for U+0000, which can't be seen; leave it out",
      '3:4 an escape here makes half a character; write the character itself',
    ])
    expect(readValue('a: "b\\n\\tc\\u00e9"')).toEqual({ a: 'b\n\tcé' })
  })
})

describe('Bytes that are no text', () => {
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d]
  const gzip = [0x1f, 0x8b, 0x08, 0, 0, 0, 0, 0, 0, 0x03]
  test.each([
    ['a picture', png],
    ['an archive', gzip],
  ])('are named: %s', (_, bytes) => {
    const given = Uint8Array.from(bytes)
    expect(faultsOf(given)).toEqual(['1:1 this is not a text file; name the file that was meant'])
  })
})

describe('Bytes that are not UTF-8', () => {
  const wide = ['1:1 the file is not UTF-8 (it looks like UTF-16); save it as UTF-8']
  const bigEndian = (text: string): Uint8Array => Buffer.from(text, 'utf16le').swap16()
  test.each<[string, Uint8Array | string, string[]]>([
    ['UTF-16 LE with a mark', Buffer.from('\uFEFFa: 1', 'utf16le'), wide],
    ['UTF-16 LE', Buffer.from('a: 1', 'utf16le'), wide],
    ['UTF-16 BE with a mark', bigEndian('\uFEFFa: 1'), wide],
    ['UTF-16 BE', bigEndian('a: 1'), wide],
    [
      'Latin-1',
      Buffer.from('a: 1\nb: caf\xE9\n', 'latin1'),
      ['2:7 the byte 0xe9 here is not UTF-8; save the file as UTF-8'],
    ],
    [
      'a character cut off',
      Buffer.from([0x61, 0x3a, 0x20, 0xe2, 0x82]),
      ['1:4 the byte 0xe2 here is not UTF-8; save the file as UTF-8'],
    ],
    [
      'half a character in a string',
      'a: \uD800',
      ['1:4 half a character stands here, which is not UTF-8; save the file as UTF-8'],
    ],
  ])('are named: %s', (_, given, faults) => {
    expect(faultsOf(given)).toEqual(faults)
  })
})

describe('A place', () => {
  const source = sourceOf(
    '# rules\nservices:\n  orders-svc:\n    owners: [sre, "12"]\n    text: |\n      a\non:\n- who: x\n',
  )
  test.each<[(string | number)[], 'key' | 'value', object]>([
    [[], 'value', { line: 1, column: 1, depth: 0 }],
    [['services'], 'key', { line: 2, column: 1, depth: 1 }],
    [['services'], 'value', { line: 3, column: 3, depth: 1 }],
    [['services', 'orders-svc', 'owners', 1], 'value', { line: 4, column: 19, depth: 4 }],
    [['services', 'orders-svc', 'owners', 1], 'key', { line: 4, column: 19, depth: 4 }],
    [['services', 'orders-svc', 'text'], 'value', { line: 5, column: 11, depth: 3 }],
    [['services', 'orders-svc', 'serve'], 'key', { line: 3, column: 3, depth: 2 }],
    [['services', 'orders-svc', 'owners', 2, 'x'], 'value', { line: 4, column: 13, depth: 3 }],
    [['on', 0, 'who'], 'value', { line: 8, column: 8, depth: 3 }],
    [['toString'], 'value', { line: 1, column: 1, depth: 0 }],
  ])('of %j, its %s', (path, part, place) => {
    expect(source.placeOf(path, part)).toEqual(place)
  })

  test('stays right behind empty lines, comments and CRLF', () => {
    const later = sourceOf('a: b\r\n\r\n# c\r\n  # d\r\n\r\ne:\r\n  # f\r\n\r\n  g: h # i\r\n')
    expect(later.placeOf(['e', 'g'], 'key')).toEqual({ line: 9, column: 3, depth: 2 })
    expect(later.placeOf(['e', 'g'])).toEqual({ line: 9, column: 6, depth: 2 })
  })
})

describe('Whatever is given', () => {
  const warned = vi.spyOn(process, 'emitWarning')
  afterEach(() => {
    expect(warned).not.toHaveBeenCalled()
  })

  const ends = (given: Uint8Array | string): void => {
    const read = readYaml(given)
    if (read.ok) return
    expect(read.faults.length).toBeGreaterThan(0)
    expect(read.faults.length).toBeLessThanOrEqual(101)
    for (const { line, column, what } of read.faults) {
      expect(line).toBeGreaterThan(0)
      expect(column).toBeGreaterThan(0)
      expect(what).not.toBe('')
    }
  }

  test('it is read or refused, never thrown: any bytes, any text, any pieces of YAML', () => {
    const pieces = fc
      .array(
        fc.constantFrom(
          ...[
            'a',
            'b: ',
            ': ',
            '? ',
            '- ',
            '[',
            ']',
            '{',
            '}',
            ',',
            '\n',
            '\n ',
            '\n  ',
            '"x"',
            "'",
            '"',
            ' ',
            '#c',
          ],
          ...[
            '|\n',
            '>-\n',
            '\t',
            '~',
            '---\n',
            '...\n',
            '\r\n',
            '\\',
            '%',
            '@',
            '*',
            '&a ',
            '!x ',
            '<<: ',
            '0x1',
            '{{ ',
            '}}',
            '${',
            '<<<<<<< ',
            '>>>>>>> ',
            '#c}',
            'a:b',
          ],
        ),
        { maxLength: 60 },
      )
      .map((parts) => parts.join(''))
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), ends), { numRuns: 300 })
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), ends), { numRuns: 300 })
    fc.assert(fc.property(pieces, ends), { numRuns: 1_500 })
  })

  test('data that the library prints is read back equal', () => {
    // The library leaves these without quotes; here they are numbers written oddly.
    const odd = /^[-+]?(?=.*[_b])[\d.][\w.]*$/
    const text = fc.string({ unit: 'grapheme-ascii' }).filter((written) => !odd.test(written))
    const name = text.filter((key) => !['__proto__', 'constructor', 'prototype', '<<'].includes(key))
    const number = fc.oneof(
      fc.integer(),
      fc.integer({ min: -9999, max: 9999 }).map((tenths) => tenths / 10),
    )
    const { data } = fc.letrec<{ data: unknown }>((tie) => ({
      data: fc.oneof(
        { maxDepth: 5 },
        fc.oneof(text, number, fc.boolean()),
        fc.array(tie('data'), { maxLength: 5 }),
        fc.dictionary(name, tie('data'), { maxKeys: 5 }),
      ),
    }))
    fc.assert(
      fc.property(data, fc.boolean(), (value, inBraces) => {
        const plain = JSON.parse(JSON.stringify(value))
        expect(readValue(stringify(plain, inBraces ? { collectionStyle: 'flow' } : {}))).toEqual(plain)
      }),
      { numRuns: 300 },
    )
  })
})

describe('A bomb', () => {
  const full = (piece: string, before = '', after = ''): string =>
    before + piece.repeat(Math.floor((1024 * 1024 - before.length - after.length) / piece.length)) + after
  const laughs = [...'abcdefghi'].map((name, index, names) =>
    index === 0
      ? 'a: &a [lol]'
      : `${name}: &${name} [${Array(9)
          .fill(`*${names[index - 1]}`)
          .join(', ')}]`,
  )
  const lines = (line: string): string => `${'\n'.repeat(49_000)}${line.repeat(49_000)}`

  test.each<[string, string, number, string]>([
    ['a billion laughs', laughs.join('\n'), 81, '1:4 "&a" is an anchor'],
    [
      'a text a hundred thousand times',
      `a: &a ${'x'.repeat(1e5)}\nb: [${Array(1e5).fill('*a')}]`,
      101,
      '1:4 "&a"',
    ],
    ['[ without end', full('['), 1, `1:65 ${tooDeep}`],
    ['- without end', full('- '), 1, `1:129 ${tooDeep}`],
    ['? without end', full('? '), 65, '1:3 two "?" in a row'],
    [': without end', full(': '), 65, '1:3 a second ":" follows the first'],
    ['{a: without end', full('{a: '), 1, `1:257 ${tooDeep}`],
    ['a: without end', full('a: '), 1, `1:193 ${tooDeep}`],
    ['a: in braces', full('a: ', '{'), 101, '1:6 a second ":" follows the first'],
    [
      'stairs',
      Array.from({ length: 1_400 }, (_, at) => `${' '.repeat(at)}a:\n`).join(''),
      1,
      `65:65 ${tooDeep}`,
    ],
    ['double quotes', full('"'), 1, ''],
    ['single quotes', full("'"), 0, ''],
    ['quotes on lines', full('a: "\n').slice(0, 400_000), 2, '1:4 this text is never closed'],
    ['a single comment', full('#'), 1, '1:1 the file is empty'],
    ['comments', full('#\n'), 1, '1:1 the file has more than 100000 lines'],
    ['empty lines', full('\n'), 1, '1:1 the file has more than 100000 lines'],
    // The library compares each comment with all empty lines before it when a block text went before.
    ['comments below empty lines', `a: |\n    b\n${lines('  #\n')}e: f`, 0, ''],
    ['commas', full(',', '['), 101, '1:3 two commas in a row'],
    ['tags', full('!a '), 101, '1:1 "!a" is a tag'],
    ['escapes', full('\\q', 'a: "', '"'), 101, '1:5 "\\\\q" means nothing'],
    ['closing brackets', full(']'), 2, '1:1 this "]" closes nothing'],
    ['keys', Array.from({ length: 40_000 }, (_, at) => `k${at}: b\n`).join(''), 1, `25001:1 ${tooMany}`],
    ['NULs', full('\0'), 1, '1:1 U+0000 is a control character'],
    ['spaces in a comment', full(' ', 'a: #b', 'x'), 1, '1:1 "#" begins a comment'],
    ['templates', full('{{ a }}\n').slice(0, 80_000), 101, '1:1 the template'],
    ['templates that never end', full('{{} },', '['), 1, tooMany],
    ['conflicts', full('<<<<<<< \n').slice(0, 800_000), 101, '1:1 a conflict'],
    ['lines that are not aligned', `a:\n  b: c\n${full(' d: e\n').slice(0, 90_000)}`, 101, '3:2 '],
    ['digits', full('1', 'a: '), 1, '1:4 1111111'],
    ['broken lines', full('a: b: c\n').slice(0, 80_000), 101, `1:4 ${secondColon}`],
  ])('of %s is refused in few words', (_, text, count, first) => {
    const faults = faultsOf(text)
    expect(faults).toHaveLength(count)
    if (count > 0) expect(faults[0]).toContain(first)
    expect(Math.max(0, ...faults.map(({ length }) => length))).toBeLessThan(400)
  })
})
