import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import type { Turn } from '../../../../infra/sandbox/start/supervise.ts'
import { tellTurn } from '../../../../infra/sandbox/start/tell-turn.ts'

const plain = { colour: false, logFile: '/data/logs/proxy.log', hopelessAfter: 5 }
const why =
  'proxy exited with code 1 before it was ready. It logged last:\n  proxy: can’t listen\n    → stop what uses it'
const failed = { kind: 'failed', name: 'proxy', why, hopeless: false } as const

const told: [Turn, string][] = [
  [
    { kind: 'died', name: 'proxy', exit: { code: null, signal: 'SIGKILL' }, againMs: 500 },
    'proxy was ended by SIGKILL; it is started again in 0.5 s',
  ],
  [
    { kind: 'died', name: 'proxy', exit: { code: 1, signal: null }, againMs: 8_000 },
    'proxy exited with code 1; it is started again in 8 s',
  ],
  [{ kind: 'back', name: 'proxy', afterMs: 1_378.2 }, 'proxy is back after 1.4 s'],
  [
    { ...failed, times: 1, againMs: 1_000 },
    'proxy exited with code 1 before it was ready; it is tried again in 1 s',
  ],
  [
    {
      ...failed,
      why: 'proxy was not ready after 30 s. http://127.0.0.1:7079/readyz last said: 503 waiting for Redis',
      times: 2,
      againMs: 2_000,
    },
    'proxy was not ready after 30 s. http://127.0.0.1:7079/readyz last said: 503 waiting for Redis; it is tried again in 2 s',
  ],
  [
    { ...failed, times: 5, hopeless: true, againMs: 15_000 },
    `proxy failed 5 times in a row without getting ready.
  proxy exited with code 1 before it was ready. It logged last:
    proxy: can’t listen
      → stop what uses it
Read /data/logs/proxy.log. It is tried again every 15 s.`,
  ],
  [
    { ...failed, times: 6, hopeless: true, againMs: 15_000 },
    'proxy failed 6 times in a row; it is tried again in 15 s',
  ],
]

test.each(told)('%j is told in plain words', (turn, text) => {
  expect(tellTurn(turn, plain)).toBe(text)
})

test.each(told)('%j has the same words in colour', (turn, text) => {
  const coloured = tellTurn(turn, { ...plain, colour: true })
  expect(coloured).not.toBe(text)
  expect(stripVTControlCharacters(coloured)).toBe(text)
})
