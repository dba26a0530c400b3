/* login.h - POST /v1/auth/login, refresh and logout: what people and browsers say, put to the login
 * service. Logging in is asked in the gateway's own name, which is why the service believes it from
 * which address somebody comes. The loop thread's. */
#ifndef GATEWAY_LOGIN_H
#define GATEWAY_LOGIN_H

struct exchange;

void login_handle(struct exchange *exchange);
void login_refresh(struct exchange *exchange);
void login_logout(struct exchange *exchange);

#endif
