import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { renderScreen, type Screen } from '../../../../infra/sandbox/start/screen.ts'

const screen: Screen = {
  services: [
    { name: 'bot', where: 'http://127.0.0.1:8000', what: 'hears Slack and PagerDuty' },
    { name: 'proxy', where: 'http://127.0.0.1:8001', what: 'guards the services' },
    { name: 'redis', where: '127.0.0.1:8002' },
  ],
  tries: [
    { title: 'Be refused', command: 'curl http://orders-svc.localhost:8001/' },
    { title: 'Page Ana', command: 'npm run pagepass -- sandbox page ana orders-svc' },
  ],
}

test('what runs where, then what to try in order', () => {
  expect(renderScreen(screen, { colour: false, width: 80 })).toBe(`Pagepass is running

  bot    http://127.0.0.1:8000  hears Slack and PagerDuty
  proxy  http://127.0.0.1:8001  guards the services
  redis  127.0.0.1:8002

Try, in this order

  1  Be refused
     curl http://orders-svc.localhost:8001/
  2  Page Ana
     npm run pagepass -- sandbox page ana orders-svc

Ctrl-C stops everything.
`)
})

test('in a narrow terminal texts are wrapped below, and commands left whole', () => {
  expect(renderScreen(screen, { colour: false, width: 36 })).toBe(`Pagepass is running

  bot    http://127.0.0.1:8000
         hears Slack and PagerDuty
  proxy  http://127.0.0.1:8001
         guards the services
  redis  127.0.0.1:8002

Try, in this order

  1  Be refused
     curl http://orders-svc.localhost:8001/
  2  Page Ana
     npm run pagepass -- sandbox page ana orders-svc

Ctrl-C stops everything.
`)
})

test('numbers stay aligned beyond nine', () => {
  const tries = Array.from({ length: 10 }, (_, index) => ({ title: `Step ${index + 1}`, command: 'true' }))
  const lines = renderScreen({ services: [], tries }, { colour: false, width: 80 }).split('\n')
  expect(lines).toContain('   9  Step 9')
  expect(lines).toContain('  10  Step 10')
})

test('colour changes nothing but colour', () => {
  const coloured = renderScreen(screen, { colour: true, width: 80 })
  expect(coloured).not.toBe(stripVTControlCharacters(coloured))
  expect(stripVTControlCharacters(coloured)).toBe(renderScreen(screen, { colour: false, width: 80 }))
})
