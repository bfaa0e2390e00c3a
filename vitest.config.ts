import { defineConfig } from 'vitest/config'

/** Neither files nor sockets nor anything that a test could leave to the next one. */
const pure = [
  'test/access/{domain,messages,rules}/**/*.test.ts',
  'test/access/operations/!(on-redis).test.ts',
  'test/access/runtime/{buckets,config,open-set,plain-error}.test.ts',
  'test/bot/commands/**/*.test.ts',
  'test/bot/actions/read-click.test.ts',
  'test/proxy/{config,grant-uses,rate-limit-headers,upstream-address}.test.ts',
  'test/proxy/egress/config.test.ts',
  'test/proxy/http2/grpc.test.ts',
  'test/proxy/parent/keep-serving.test.ts',
  'test/proxy/refusals/form-of.test.ts',
  'test/proxy/session/{cookie,own-page}.test.ts',
  'test/workers/{config,jobs/remind,outbox/render-card,outbox/tell}.test.ts',
  'test/proofs/{crash,mediation,wire}/**/*.test.ts',
  'test/proofs/promises.test.ts',
  'test/bench/{profile,proxy-figures,stamped-frame}.test.ts',
]

export default defineConfig({
  test: {
    // Node runs our TypeScript itself: what is tested is what runs, and nothing is transformed first.
    experimental: { viteModuleRunner: false },
    // What the files import costs more than what they do: a process imports it once, for all of its files.
    isolate: false,
    restoreMocks: true,
    // Most of them mostly wait, so they are more than the cores of a small machine.
    maxWorkers: 6,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: 'pure',
          include: pure,
        },
      },
      {
        extends: true,
        test: {
          name: 'real',
          include: ['test/**/*.test.ts'],
          exclude: pure,
          globalSetup: ['test/redis.setup.ts', 'test/programs.setup.ts'],
          // Real time-outs of 1 to 3 s are part of what they test, and a shared machine may stand still for longer.
          retry: 1,
        },
      },
    ],
  },
})
