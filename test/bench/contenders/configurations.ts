/**
 * The fronts that are compared with, each so that it does no more than it must and nothing holds it back: connections
 * upstream are kept and shared, nothing is logged per request, no limit closes a connection under way. HAProxy has one
 * thread and nginx one worker, as Pagepass has one process; Caddy is left as it comes, since its runtime spreads over the
 * cores anyhow. What counts is CPU over all threads and processes, so cores win nobody anything.
 */

export type Bearer = {
  readonly algorithm: 'RS256' | 'ES256'
  /** A PEM file. */
  readonly publicKey: string
}

/** With `bearer`, verifies the signature of the token of every request, and none of its claims. */
export const haproxyConfiguration = (port: number, upstream: number, bearer?: Bearer): string => `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  http-reuse always
  timeout connect 5s
  timeout client 65s
  timeout server 65s
frontend in
  bind 127.0.0.1:${port}
${
  bearer === undefined
    ? ''
    : `  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify("${bearer.algorithm}","${bearer.publicKey}") -m int 1 }\n`
}  default_backend orders
backend orders
  server orders 127.0.0.1:${upstream}
`

export const nginxConfiguration = (port: number, upstream: number, auth: number, folder: string): string => `
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr error;
${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/nginx-body;
  proxy_temp_path ${folder}/nginx-proxy;
  fastcgi_temp_path ${folder}/nginx-fastcgi;
  uwsgi_temp_path ${folder}/nginx-uwsgi;
  scgi_temp_path ${folder}/nginx-scgi;
  keepalive_timeout 65s;
  keepalive_requests 1000000000;
  upstream orders { server 127.0.0.1:${upstream}; keepalive 256; keepalive_requests 1000000000; }
  upstream auth { server 127.0.0.1:${auth}; keepalive 256; keepalive_requests 1000000000; }
  server {
    listen 127.0.0.1:${port};
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    location / {
      auth_request /.auth;
      proxy_pass http://orders;
    }
    location = /.auth {
      internal;
      proxy_pass http://auth;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header X-Original-URI $request_uri;
    }
  }
}
`

export const caddyConfiguration = (port: number, upstream: number, auth: number): string => `
{
  admin off
  auto_https off
}
http://:${port} {
  bind 127.0.0.1
  forward_auth 127.0.0.1:${auth} {
    uri /check
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
  reverse_proxy 127.0.0.1:${upstream} {
    transport http {
      keepalive_idle_conns_per_host 256
    }
  }
}
`
