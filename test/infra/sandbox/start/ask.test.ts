import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { askAtTerminal } from '../../../../infra/sandbox/start/ask.ts'

function terminal(typed: string) {
  const input = Object.assign(new PassThrough(), { isTTY: true })
  const output = Object.assign(new PassThrough(), { isTTY: true })
  if (typed === '') input.end()
  else input.write(typed)
  return { input, output }
}

test.each<[string, string, boolean]>([
  ['Enter means yes', '\n', true],
  ['y means yes', 'y\n', true],
  ['YES means yes', 'YES\n', true],
  ['n means no', 'n\n', false],
  ['anything else means no', 'what?\n', false],
  ['Ctrl-D means no', '', false],
])('%s', async (_name, typed, yes) => {
  const { input, output } = terminal(typed)
  expect(await askAtTerminal(input, output)?.('Install?')).toBe(yes)
  expect(String(output.read())).toContain('Install? [Y/n] ')
})

test('where there is no terminal, nobody can be asked', () => {
  const { input, output } = terminal('')
  expect(askAtTerminal(Object.assign(input, { isTTY: false }), output)).toBeUndefined()
  expect(askAtTerminal(input, Object.assign(output, { isTTY: false }))).toBeUndefined()
})
