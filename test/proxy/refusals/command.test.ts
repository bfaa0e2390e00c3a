import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { asForwardAuth, frontSecret } from '../../builders/front-proxy.ts'
import { type ProxyUnderTest, startProxyForTest } from '../../builders/proxy.ts'
import { ask } from '../../builders/raw-client.ts'

let proxy: ProxyUnderTest
beforeAll(async () => {
  proxy = await startProxyForTest(inject('redisUrl'), 90, {
    slackCommand: '/pass-prod',
    authz: { secrets: [frontSecret], tls: undefined },
  })
})
afterAll(() => proxy.stop())

const command = '/pass-prod grant orders-svc 1h observe'

test.each([
  ['A program', [], `"ask":"${command}"`],
  ['A browser', ['Accept: text/html'], `>${command}</textarea>`],
  ['A terminal', ['User-Agent: curl/8.5.0'], `In Slack: ${command}`],
])('%s gets the command that the bot listens to', async (_, more, told) => {
  const { body } = await ask(proxy.port, await proxy.request('ana', 'GET', '/v1/orders', more))
  expect(body).toContain(told)
  expect(body).not.toContain('/access')
})

test('So does whoever asks through a front proxy', async () => {
  const { body } = await ask(proxy.authzPort, asForwardAuth({ token: await proxy.token('ana') }))
  expect(body).toContain(`"ask":"${command}"`)
})
