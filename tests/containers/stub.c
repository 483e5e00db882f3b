// Replaces buildkite-agent and iam-ssh-agent, by the name that it is started with; for any other name it serves until SIGTERM.
//
// As buildkite-agent it does what clicommand/agent_start.go of buildkite/agent does, from 3.12 to 4: the first SIGTERM
// lets the job finish, a second one or a SIGQUIT cancels it. Go takes SIGQUIT even where it was ignored at the start.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;
static volatile sig_atomic_t terms, quits;

static void on_term(int signal) { (void)signal, terms++; }
static void on_quit(int signal) { (void)signal, quits++; }

static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler};
    sigaction(number, &action, NULL);
}

static int ssh_connection(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = getenv("SSH_AUTH_SOCK");
    if (!path) return puts("job: SSH_AUTH_SOCK is not set"), -1;
    strncpy(address.sun_path, path, sizeof address.sun_path - 1);
    int connection = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(connection, (struct sockaddr *)&address, sizeof address))
        return printf("job: %s: %s\n", path, strerror(errno)), -1;
    return connection;
}

// The list of identities, as git's ssh asks for it.
static int clone(void) {
    int connection = ssh_connection();
    unsigned char answer[9] = {0};
    if (connection < 0 || write(connection, "\0\0\0\1\13", 5) != 5 || read(connection, answer, 9) != 9 || answer[4] != 12)
        return 1;
    return puts("job: cloned"), 0;
}

static int made(const char *variable) {
    char path[4096];
    const char *directory = getenv(variable);
    if (!directory) return 0;
    mkdir(directory, 0777);
    snprintf(path, sizeof path, "%s/job-of-the-stub", directory);
    if (mkdir(path, 0777)) return printf("job: %s: %s\n", path, strerror(errno)), 1;
    return 0;
}

static int hook(void) {
    char path[4096], line[256] = "";
    const char *directory = getenv("BUILDKITE_HOOKS_PATH");
    if (!directory) return 0;
    snprintf(path, sizeof path, "%s/environment", directory);
    FILE *file = fopen(path, "r");
    if (!file && errno == ENOENT) return puts("job: no hook"), 0;
    if (!file) return printf("job: %s: %s\n", path, strerror(errno)), 1;
    if (!fgets(line, sizeof line, file)) return 1;
    return puts("job: hook"), 0;
}

// STUB_JOB is a list of words: what the job does.
static int job(void) {
    char *jobs = strdup(getenv("STUB_JOB") ? getenv("STUB_JOB") : "checkout");
    for (char *word = strtok(jobs, " "); word; word = strtok(NULL, " ")) {
        if (!strcmp(word, "checkout")) {
            if (made("BUILDKITE_BUILD_PATH") | made("BUILDKITE_PLUGINS_PATH") | made("BUILDKITE_SOCKETS_PATH") | hook()) return 1;
        } else if (!strcmp(word, "clone")) {
            if (clone()) return 1;
        } else if (!strcmp(word, "connect")) {
            if (ssh_connection() < 0) return 1;
            puts("job: connected");
        } else if (!strncmp(word, "exit=", 5)) {
            return atoi(word + 5);
        } else if (!strncmp(word, "sleep=", 6)) {
            usleep((useconds_t)(atof(word + 6) * 1e6));
        } else if (!strcmp(word, "orphan")) {
            if (!fork()) {
                // Its parent ends first: process 1 is to reap it.
                if (!fork()) usleep(200000), _exit(0);
                _exit(0);
            }
        }
        fflush(stdout);
    }
    return puts("job: finished"), fflush(stdout), 0;
}

static int zombies(void) {
    int found = 0;
    for (int id = 1; id < 400; id++) {
        char path[64], state = 0;
        snprintf(path, sizeof path, "/proc/%d/stat", id);
        FILE *file = fopen(path, "r");
        if (!file) continue;
        if (fscanf(file, "%*d %*s %c", &state) == 1 && state == 'Z') found++;
        fclose(file);
    }
    return found;
}

static int buildkite_agent(int count, char **arguments) {
    handle(SIGTERM, on_term), handle(SIGQUIT, on_quit);
    printf("agent: up as %d in process %d of %d\n", getuid(), getpid(), getppid());
    for (int i = 1; i < count; i++) printf("argument: %s\n", arguments[i]);
    for (char **one = environ; *one; one++) {
        printf("variable: ");
        for (char *at = *one; *at; at++) printf("%02x", (unsigned char)*at);
        puts("");
    }
    if (count < 2 || strcmp(arguments[1], "start")) return puts("agent: not started with `start`"), 2;
    if (!getenv("BUILDKITE_AGENT_TOKEN")) return puts("agent: no token"), 1;
    fflush(stdout);

    pid_t child = fork();
    if (!child) signal(SIGTERM, SIG_DFL), signal(SIGQUIT, SIG_DFL), _exit(job());
    puts("agent: job started");
    fflush(stdout);
    int status = 0, graceful = 0, cancelled = 0;
    for (;;) {
        if (waitpid(child, &status, WNOHANG) == child) break;
        if (terms && !graceful) graceful = 1, puts("agent: waits for the job");
        if ((quits || terms > 1) && !cancelled) cancelled = 1, puts("agent: cancels the job"), kill(child, SIGTERM);
        fflush(stdout);
        usleep(5000);
    }
    if (getenv("STUB_JOB") && strstr(getenv("STUB_JOB"), "orphan")) usleep(600000), printf("agent: %d zombies\n", zombies());
    puts("agent: disconnected");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

// As the real one does.
static void on_end(int signal) { (void)signal, _exit(0); }

static int iam_ssh_agent(int count, char **arguments) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *flag = "--bind-to=";
    handle(SIGTERM, on_end);
    if (count < 3 || strcmp(arguments[1], "daemon") || strncmp(arguments[2], flag, strlen(flag)) || !getenv("IAM_SSH_AGENT_BACKEND_URL"))
        return puts("ssh-agent: wrong arguments"), 2;
    strncpy(address.sun_path, arguments[2] + strlen(flag), sizeof address.sun_path - 1);
    usleep(300000);
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, 8)) return perror("ssh-agent"), 1;
    for (;;) {
        char question[64];
        int connection = accept(listener, NULL, NULL);
        if (connection < 0) continue;
        while (read(connection, question, sizeof question) > 0)
            if (write(connection, "\0\0\0\5\14\0\0\0\0", 9) != 9) break;
        close(connection);
    }
}

int main(int count, char **arguments) {
    const char *slash = strrchr(arguments[0], '/'), *name = slash ? slash + 1 : arguments[0];
    if (!strcmp(name, "buildkite-agent")) return buildkite_agent(count, arguments);
    if (!strcmp(name, "iam-ssh-agent")) return iam_ssh_agent(count, arguments);
    handle(SIGTERM, on_term);
    printf("%s: up\n", name), fflush(stdout);
    while (!terms) pause();
    return 0;
}
