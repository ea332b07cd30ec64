# What scripts/test and scripts/interop share: how they install what tests run, and build and find the tests.
# Sourced with the root of the repository as the working directory.

fail() { echo "$0: $*" >&2; exit 1; }

# Installs packages, which Debian and Ubuntu name alike, where that is permitted.
install_packages() {
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || return 1
    echo "$0: installing $*" >&2
    if ! DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2; then
        # The list of packages may be old, or not there.
        apt-get update -qq >&2 \
            && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
    fi
}

# Debian has some servers where only root's PATH looks.
has_program() { PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$1" >/dev/null; }

# A program that tests run, and the package that it is in.
find_program() {
    has_program "$1" || install_packages "$2" || true
    has_program "$1" || fail "$1 is missing: install the package $2"
}

# Whether what is in a folder was installed from this list; a test asks the same.
is_installed() { cmp -s "$1" "$2/.installed"; }

# Node.js has `npm` beside it, or in a package of its own.
node_is_here() {
    command -v npm >/dev/null && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null
}

# Node.js packages of one list, beside it.
install_node() {
    local list=$1/package-lock.json folder=$1/node_modules
    ! is_installed "$list" "$folder" || return 0
    node_is_here || install_packages nodejs npm || true
    node_is_here || fail "Node.js is missing: install Node.js 20 or newer, with npm (packages nodejs npm)"
    echo "$0: installing the packages of $list" >&2
    (cd "$1" && npm ci --no-audit --no-fund --loglevel=error >&2) || fail "npm could not install the packages of $list"
    cp "$list" "$folder/.installed"
}

# Python libraries of one list, in an environment of their own.
install_python() {
    local list=$1 folder=$2
    ! is_installed "$list" "$folder" || return 0
    echo "$0: installing the libraries of $list" >&2
    rm -rf "$folder"
    mkdir -p "$(dirname "$folder")"
    if ! python3 -m venv "$folder" >/dev/null 2>&1; then
        install_packages python3-venv || true
        rm -rf "$folder"
        python3 -m venv "$folder" >/dev/null \
            || fail "Python is missing: install Python 3.10 or newer (packages python3 python3-venv)"
    fi
    "$folder/bin/python3" -m pip install --quiet --disable-pip-version-check --no-deps -r "$list" >&2 \
        || fail "pip could not install the libraries of $list"
    cp "$list" "$folder/.installed"
}

# Programs of one module of Go, built each time: what has not changed takes no time.
install_go() {
    local module=$1 folder=$2
    has_program go || fail "Go is missing: install Go 1.26 or newer"
    mkdir -p "$folder"
    (cd "$module" && go build -o "$OLDPWD/$folder/" ./...) >&2 || fail "go could not build $module"
    cp "$module/go.sum" "$folder/.installed"
}

# A JDK, with Maven.
java_is_here() {
    has_program javac && has_program mvn || install_packages default-jdk-headless maven || true
    has_program javac && has_program mvn || fail "Java is missing: install a JDK, 17 or newer, and Maven (packages default-jdk-headless maven)"
}

# Programs of one folder of Java and what is beside it, compiled each time, with the libraries of the folder's pom.xml.
install_java() {
    local source=$1 folder=$2 shared=$3
    java_is_here
    if ! is_installed "$source/pom.xml" "$folder"; then
        echo "$0: installing the libraries of $source/pom.xml" >&2
        rm -rf "$folder"
        mvn -q -B -f "$source/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
            "-DoutputDirectory=$PWD/$folder/lib" >&2 || fail "mvn could not get the libraries of $source/pom.xml"
    fi
    rm -rf "$folder/classes"
    # shellcheck disable=SC2086 # a list of files, or none
    javac -nowarn -parameters -d "$folder/classes" -cp "$folder/lib/*" "$source"/*.java $shared >&2 \
        || fail "javac could not compile $source"
    cp "$source/pom.xml" "$folder/.installed"
}

# Builds tests once; the programs with them, one a line.
# What is shipped has passkeys, so they are tested with `--features passkeys`.
build_tests() {
    cargo test --locked --no-run --message-format=json-render-diagnostics "$@" \
        | sed -n 's/.*"profile":{[^}]*"test":true[^}]*}.*"executable":"\([^"]*\)".*/\1/p'
}

# libtest tells how long each test took only when unstable options are allowed.
run_tests() { RUSTC_BOOTSTRAP=1 "$@" -Z unstable-options --report-time; }

find_postgres() {
    local bin
    bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -n 1)
    if [ -z "$bin" ] && command -v initdb >/dev/null; then
        bin=$(dirname "$(command -v initdb)")
    fi
    echo "$bin"
}

# Postgres refuses to run as root.
as_owner() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid=nobody --regid=nogroup --clear-groups -- "$@"
    else
        "$@"
    fi
}

install_postgres() {
    [ -n "$(find_postgres)" ] || install_packages postgresql || true
    [ -n "$(find_postgres)" ] || fail "Postgres is missing: install the package postgresql, or set TEST_DATABASE_URL"
}

# A throw-away Postgres; `stop_postgres` ends it.
start_postgres() {
    install_postgres
    postgres_bin=$(find_postgres)
    folder=$(mktemp -d)
    chmod 755 "$folder"
    [ "$(id -u)" != 0 ] || chown nobody:nogroup "$folder"
    as_owner "$postgres_bin/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 >"$folder/initdb.log" 2>&1 \
        || fail "initdb failed: $(cat "$folder/initdb.log")"
    # Durability is not what is tested here; the socket lives in the folder, so no port is taken.
    as_owner "$postgres_bin/pg_ctl" -D "$folder/data" -w -l "$folder/postgres.log" \
        -o "-k $folder -c listen_addresses='' -c max_connections=300 -c fsync=off -c full_page_writes=off" start >/dev/null \
        || fail "Postgres did not start: $(cat "$folder/postgres.log")"
    TEST_DATABASE_URL="postgres://postgres@localhost/postgres?host=$folder"
    stop_postgres() {
        as_owner "$postgres_bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true
        rm -rf "$folder"
    }
}
