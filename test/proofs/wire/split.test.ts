import { expect, test } from 'vitest'
import { splitRequests } from './split.ts'

const targets = (bytes: string) => splitRequests(bytes).requests.map(({ target, body }) => [target, body])
const get = 'GET /a HTTP/1.1\r\nhost: x\r\n\r\n'

test('Requests are told apart by their lengths and chunks', () => {
  const hidden = `POST /b HTTP/1.1\r\nContent-Length: ${get.length}\r\n\r\n${get}`
  const chunked = 'PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n'
  expect(targets(get + hidden + chunked + get)).toEqual([
    ['/a', ''],
    ['/b', get],
    ['/c', 'hello'],
    ['/a', ''],
  ])
})

test.each([
  ['a length', 'POST /b HTTP/1.1\r\nContent-Length: 5\r\n\r\nhell'],
  ['chunks', 'POST /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
])('A body that is cut off is the last of its connection: %s', (_, bytes) => {
  expect(splitRequests(get + bytes)).toMatchObject({
    requests: [{ target: '/a' }, { target: '/b', body: undefined }],
    rest: '',
  })
})

test.each([
  ['a line feed alone', 'GET /b HTTP/1.1\nHost: x\r\n\r\n'],
  ['a space before a colon', 'GET /b HTTP/1.1\r\nHost : x\r\n\r\n'],
  ['a folded line', 'GET /b HTTP/1.1\r\nHost: x\r\n y\r\n\r\n'],
  ['two lengths', 'GET /b HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx'],
  [
    'a length and chunks',
    'GET /b HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ],
  ['a signed length', 'GET /b HTTP/1.1\r\nContent-Length: +1\r\n\r\nx'],
  ['another coding', 'GET /b HTTP/1.1\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n'],
  ['a chunk too long', 'GET /b HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n'],
  ['no end', 'GET /b HTTP/1.1\r\nHost: x\r\n'],
])('What is not clear is no request: %s', (_, bytes) => {
  expect(splitRequests(get + bytes)).toMatchObject({ requests: [{ target: '/a' }], rest: bytes })
})
